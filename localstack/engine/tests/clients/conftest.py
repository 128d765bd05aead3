"""One engine for all tests, as a user starts it, and clients pointed at it.

Nothing here is a stand-in: boto3 and the aws CLI are what their authors publish. Each test has
names of its own, so that tests need not wait for each other.
"""

import itertools
import json
import os
import pathlib
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore.config
import pytest

WORKSPACE = pathlib.Path(__file__).resolve().parents[4]
NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def fanline():
    """The command, built."""
    build = ["cargo", "build", "--quiet", "--package", "fanline-cli", "--bin", "fanline"]
    subprocess.run(build, cwd=WORKSPACE, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", WORKSPACE / "target"))
    return target / "debug" / "fanline"


@pytest.fixture(scope="session")
def endpoint(fanline):
    command = [fanline, "engine", "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as engine:
        yield json.loads(engine.stdout.readline())["endpoint"]
        engine.terminate()
        assert engine.wait(timeout=10) == 0


@pytest.fixture(scope="session")
def client(endpoint):
    def make(service, **settings):
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=botocore.config.Config(retries={"total_max_attempts": 1}, **settings),
        )

    return make


@pytest.fixture(scope="session")
def sqs(client):
    return client("sqs")


@pytest.fixture(scope="session")
def sns(client):
    return client("sns")


@pytest.fixture(scope="session")
def dynamodb(client):
    return client("dynamodb")


@pytest.fixture
def name():
    return f"test-{next(NUMBERS)}"


@pytest.fixture
def queue(sqs, name):
    """A queue's URL."""
    return sqs.create_queue(QueueName=name)["QueueUrl"]


@pytest.fixture
def receive(sqs):
    def all_of(url, **options):
        options = {
            "MaxNumberOfMessages": 10,
            "MessageAttributeNames": ["All"],
            # Its name today is MessageSystemAttributeNames; old clients do not know that one.
            "AttributeNames": ["All"],
        } | options
        return sqs.receive_message(QueueUrl=url, **options).get("Messages", [])

    return all_of


@pytest.fixture
def aws(endpoint):
    """The aws CLI: exit code, JSON on stdout (or its text), stderr."""

    def run(*arguments):
        environment = os.environ | {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        options = ["--endpoint-url", endpoint, "--output", "json"]
        command = [sys.executable, "-m", "awscli", *arguments, *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        try:
            answer = json.loads(done.stdout) if done.stdout.strip() else {}
        except ValueError:
            answer = done.stdout
        return done.returncode, answer, done.stderr

    return run


@pytest.fixture
def form(endpoint):
    """A call of the query protocol, as clients from before SQS's JSON protocol make it."""

    def post(path="/", **parameters):
        data = urllib.parse.urlencode(parameters).encode()
        request = urllib.request.Request(endpoint + path, data=data)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    return post
