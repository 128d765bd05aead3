"""What a function gets, and what becomes of its answers."""

import concurrent.futures
import os

import pytest


def test_event_goes_in_and_answer_comes_out(function):
    f = function().start()
    for number in range(3):
        result = f.invoke("echo", number=number, text="ümläut ✓")
        assert result.value == {"do": "echo", "number": number, "text": "ümläut ✓"}
        assert not result.is_error


def test_headers_are_those_of_the_runtime_api(function):
    result = function(timeout=3).start().invoke("headers")
    headers = {name.lower(): value for name, value in result.value["headers"].items()}
    assert headers["lambda-runtime-aws-request-id"] == result.id
    assert headers["lambda-runtime-invoked-function-arn"].endswith(":function:f")
    assert headers["lambda-runtime-trace-id"].startswith("Root=1-")
    left = int(headers["lambda-runtime-deadline-ms"]) - result.value["now_ms"]
    assert 2000 < left <= 3000


def test_environment_is_lambdas(function, folder, monkeypatch):
    monkeypatch.setenv("SECRET_OF_LOCALSTACK", "1")
    passed = {
        "AWS_REGION": "eu-west-1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": 256,
        "AWS_EXECUTION_ENV": "AWS_Lambda_rapid",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_LAMBDA_RUNTIME_API": "elsewhere:1",
        "LOCALSTACK_RUNTIME_ID": "x",
        "LOCALSTACK_USER": None,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": 3,
        "MINE": "1",
    }
    found = function().start(**passed).invoke("environment").value
    environment = found["environment"]
    # Set by Python itself.
    environment.pop("LC_CTYPE", None)
    assert environment.pop("AWS_LAMBDA_RUNTIME_API").startswith("127.0.0.1:")
    assert environment == {
        "AWS_REGION": "eu-west-1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_EXECUTION_ENV": "AWS_Lambda_provided.al2023",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "MINE": "1",
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": "/lib64:/usr/lib64",
        "LAMBDA_TASK_ROOT": str(folder),
    }
    assert found["folder"] == str(folder)


def test_process_inherits_no_open_file(function):
    # Standard input and outputs, the connection, and the folder being listed.
    with open(os.devnull) as opened:
        os.set_inheritable(opened.fileno(), True)
        assert len(function().start().invoke("environment").value["files"]) == 5


def test_error_of_the_function_is_passed_on(function):
    f = function().start()
    pid = f.pid()
    result = f.invoke("fail")
    assert result.is_error
    assert result.value == {"errorType": "App.Refused", "errorMessage": "no"}
    assert f.pid() == pid, "the process goes on"


def test_answer_to_another_invocation_is_refused(function):
    refused = function().start().invoke("wrong id").value
    assert refused["status"] == 400
    assert "InvalidRequestID" in refused["body"]


def test_answer_may_come_in_chunks(function):
    assert function().start().invoke("chunked").value == "in parts"


def test_answer_over_6_mb_fails_and_the_function_goes_on(function):
    f = function().start()
    assert len(f.invoke("big", size=6_000_000).value) == 6_000_000
    result = f.invoke("big", size=6_291_557)
    assert result.is_error
    assert result.value["errorType"] == "Function.ResponseSizeTooLarge"
    assert f.invoke("echo").value == {"do": "echo"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/2018-06-01/runtime/nothing", 404),
        ("POST", "/2020-01-01/extension/register", 404),
        ("PUT", "/2022-07-01/telemetry", 501),
        ("POST", "/2018-06-01/runtime/init/error", 403),
    ],
)
def test_what_is_not_imitated_is_refused(function, method, path, status):
    assert function().start().invoke("path", method=method, path=path).value["status"] == status


def test_environments_run_at_the_same_time(function):
    functions = [function().start() for _ in range(20)]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda f: f.invoke("sleep", seconds=0.5), functions))
    assert not any(result.is_error for result in results)
    durations = [float(result.logs.split("Duration: ")[1].split()[0]) for result in results]
    assert sum(durations) > 20 * 500 > 5 * max(durations)
