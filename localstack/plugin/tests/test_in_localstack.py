"""The plugin in a running LocalStack: `localstack/up` first. Skipped without it, unless REQUIRE_LOCALSTACK=1."""

import concurrent.futures
import io
import json
import os
import sys
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator

import boto3
import pytest
from conftest import BOOTSTRAP, is_running, wait_until

ENDPOINT = f"http://127.0.0.1:{os.environ.get('LOCALSTACK_PORT', '4566')}"


@pytest.fixture(scope="module", autouse=True)
def localstack() -> None:
    try:
        urllib.request.urlopen(f"{ENDPOINT}/_localstack/health", timeout=5)
    except OSError:
        problem = f"no LocalStack at {ENDPOINT}; localstack/up"
        if os.environ.get("REQUIRE_LOCALSTACK") == "1":
            pytest.fail(problem)
        pytest.skip(problem)


def client(service: str):
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    config = boto3.session.Config(read_timeout=120, retries={"max_attempts": 0})
    return boto3.client(service, endpoint_url=ENDPOINT, region_name="eu-west-1", config=config, **credentials)


def code() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("bootstrap", f"#!{sys.executable}\n{BOOTSTRAP.read_text()}")
    return archive.getvalue()


class Deployed:
    def __init__(self, name: str) -> None:
        self.name = name
        self.lambda_ = client("lambda")

    def create(self, **variables: str) -> "Deployed":
        self.lambda_.create_function(
            FunctionName=self.name,
            Runtime="provided.al2023",
            Handler="bootstrap",
            Role="arn:aws:iam::000000000000:role/any",
            Code={"ZipFile": code()},
            Timeout=5,
            Environment={"Variables": variables},
        )
        self.lambda_.get_waiter("function_active_v2").wait(FunctionName=self.name, WaiterConfig={"Delay": 0.1})
        return self

    def invoke(self, do: str, **event: object):
        answer = client("lambda").invoke(FunctionName=self.name, Payload=json.dumps({"do": do, **event}))
        return json.load(answer["Payload"]), answer.get("FunctionError")

    def log(self) -> str:
        logs = client("logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return ""
        return "".join(event["message"] for event in events)


@pytest.fixture
def function() -> Iterator[Deployed]:
    deployed = Deployed(f"test-{uuid.uuid4().hex[:12]}")
    yield deployed
    deployed.lambda_.delete_function(FunctionName=deployed.name)


def test_function_is_invoked_and_its_output_logged(function):
    function.create(MINE="1")
    assert function.invoke("echo", text="hello") == ({"do": "echo", "text": "hello"}, None)
    environment = function.invoke("environment")[0]["environment"]
    assert environment["MINE"] == "1"
    assert environment["AWS_REGION"] == "eu-west-1"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == function.name
    assert environment["AWS_ENDPOINT_URL"] == ENDPOINT
    function.invoke("print", text="a line of mine")
    wait_until(lambda: "a line of mine" in function.log() and "REPORT RequestId" in function.log())


def test_failures_have_lambdas_form(function):
    function.create()
    assert function.invoke("fail") == ({"errorType": "App.Refused", "errorMessage": "no"}, "Unhandled")
    answer, error = function.invoke("exit", status=4)
    assert (answer["errorType"], error) == ("Runtime.ExitError", "Unhandled")
    answer, error = function.invoke("sleep", seconds=60)
    assert (answer["errorType"], error) == ("Sandbox.Timedout", "Unhandled")
    assert function.invoke("echo") == ({"do": "echo"}, None)


def test_function_that_cannot_start_says_why_in_answer_and_log(function):
    function.create(MODE="init error")
    assert function.invoke("echo") == ({"errorType": "App.NoConfig", "errorMessage": "no table"}, "Unhandled")
    wait_until(lambda: "cannot connect" in function.log())


def test_invocations_at_the_same_time_have_processes_of_their_own(function):
    function.create()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: function.invoke("sleep", seconds=2), range(8)))
    assert all(error is None for _, error in answers)
    assert len({pid for pid, _ in answers}) == 8


def test_update_lets_an_invocation_end_and_replaces_the_process(function):
    function.create()
    pid = function.invoke("headers")[0]["pid"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(function.invoke, "sleep", seconds=3)
        time.sleep(0.5)
        function.lambda_.update_function_configuration(FunctionName=function.name, Timeout=4)
        function.lambda_.get_waiter("function_updated_v2").wait(
            FunctionName=function.name, WaiterConfig={"Delay": 0.1}
        )
        assert function.invoke("headers")[0]["pid"] != pid
        assert running.result() == (pid, None)
    wait_until(lambda: not is_running(pid))


def test_deleted_function_leaves_no_process(function):
    function.create()
    pid = function.invoke("headers")[0]["pid"]
    function.lambda_.delete_function(FunctionName=function.name)
    wait_until(lambda: not is_running(pid))
    function.create()


@pytest.fixture
def table() -> Iterator[str]:
    dynamodb, name = client("dynamodb"), f"t-{uuid.uuid4().hex[:6]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    yield name
    dynamodb.delete_table(TableName=name)


def test_tables_have_arns_of_their_region_and_answer_as_awss(table):
    dynamodb = client("dynamodb")
    arn = dynamodb.describe_table(TableName=table)["Table"]["TableArn"]
    assert arn == f"arn:aws:dynamodb:eu-west-1:000000000000:table/{table}"
    # What dedup rests on: each statement of a batch fails alone.
    insert = {"Statement": f"INSERT INTO \"{table}\" VALUE {{'id': 'a'}}"}
    answers = dynamodb.batch_execute_statement(Statements=[insert])["Responses"]
    assert "Error" not in answers[0]
    again = dynamodb.batch_execute_statement(Statements=[insert])["Responses"]
    assert again[0]["Error"]["Code"] == "DuplicateItem"


def test_streams_are_read_from_shard_to_record(table):
    dynamodb, streams = client("dynamodb"), client("dynamodbstreams")
    dynamodb.put_item(TableName=table, Item={"id": {"S": "a"}})
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    first = streams.get_records(ShardIterator=iterator["ShardIterator"])
    assert [record["eventName"] for record in first["Records"]] == ["INSERT"]
    assert first["Records"][0]["awsRegion"] == "eu-west-1"
    assert streams.get_records(ShardIterator=first["NextShardIterator"])["Records"] == []


def test_a_tables_stream_invokes_a_function(function, table):
    function.create(PRINT_EVENTS="1")
    arn = client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    mapping = function.lambda_.create_event_source_mapping(
        FunctionName=function.name, EventSourceArn=arn, StartingPosition="TRIM_HORIZON", BatchSize=10
    )
    try:
        client("dynamodb").put_item(TableName=table, Item={"id": {"S": "seen-by-the-function"}})
        wait_until(lambda: "seen-by-the-function" in function.log(), seconds=30)
    finally:
        function.lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
