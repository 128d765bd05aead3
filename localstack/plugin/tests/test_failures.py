"""Functions that do not start, do not end, or end."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import Function, function_version, is_running, wait_until
from fanline_localstack import executor
from fanline_localstack.executor import ProcessExecutor
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException


def test_init_error_is_the_answer_and_its_output_in_the_log(function):
    result = function().start(MODE="init error").invoke()
    assert result.is_error
    assert result.value == {"errorType": "App.NoConfig", "errorMessage": "no table"}
    assert "cannot connect" in result.logs


def test_init_exit_is_the_answer(function):
    result = function().start(MODE="init exit").invoke()
    assert result.is_error
    assert result.value == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.id} Error: Runtime exited with error: exit status 3",
    }


def test_function_that_failed_to_start_is_started_again(function, tmp_path):
    f = function().start(MODE="init once", FLAG=str(tmp_path / "flag"))
    # Within the first invocation, as Lambda does.
    assert f.invoke("echo").value == {"do": "echo"}


def test_init_that_hangs_times_out_with_the_invocation(function, monkeypatch):
    monkeypatch.setattr(executor, "INIT_SECONDS", 0.2)
    result = function(timeout=1).start(MODE="init hang").invoke()
    assert result.is_error
    assert result.value["errorType"] == "Sandbox.Timedout"


@pytest.mark.parametrize(
    ("do", "event", "reason"),
    [
        ("exit", {"status": 7}, "Runtime exited with error: exit status 7"),
        ("exit", {"status": 0}, "Runtime exited without providing a reason"),
        ("kill", {}, "Runtime exited with error: signal: killed"),
    ],
)
def test_process_that_ends_fails_its_invocation_and_the_next_has_a_new_one(function, do, event, reason):
    f = function().start()
    first = f.pid()
    result = f.invoke(do, **event)
    assert result.is_error
    assert result.value == {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {result.id} Error: {reason}"}
    assert reason in result.logs
    assert f.pid() != first


def test_process_that_ends_between_invocations_is_replaced_unnoticed(function):
    f = function().start()
    assert f.invoke("exit after answer").value == "done"
    assert f.invoke("echo").value == {"do": "echo"}


def test_timeout_kills_the_process_and_its_children(function, tmp_path):
    file = tmp_path / "grandchild"
    f = function(timeout=1).start(GRANDCHILD_FILE=str(file))
    pid = f.pid()
    result = f.invoke("grandchild", seconds=60)
    assert result.is_error
    assert result.value == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {result.id} Error: Task timed out after 1.00 seconds",
    }
    wait_until(lambda: not is_running(pid) and not is_running(int(file.read_text())))
    assert f.invoke("echo").value == {"do": "echo"}


@pytest.mark.parametrize("mode", ["", "ignores SIGTERM"])
def test_stop_ends_the_process(function, mode):
    f = function().start(MODE=mode)
    pid = f.pid()
    f.executor.stop()
    assert not is_running(pid)
    # Again is no error.
    f.executor.stop()


def test_stop_lets_what_is_under_way_end(function):
    f = function().start()
    results = []
    thread = threading.Thread(target=lambda: results.append(f.invoke("sleep", seconds=0.5)))
    thread.start()
    wait_until(lambda: "sleeping" in f.executor.get_logs())
    f.executor.stop()
    thread.join()
    assert not results[0].is_error


def test_stop_at_localstacks_end_does_not_wait(function, monkeypatch):
    stopping = threading.Event()
    monkeypatch.setattr(executor, "infra_stopping", stopping)
    f = function(timeout=60).start()
    failures = []

    def invoke():
        with pytest.raises(LambdaRuntimeException, match="stopped during an invocation"):
            f.invoke("sleep", seconds=60)
        failures.append(1)

    thread = threading.Thread(target=invoke)
    thread.start()
    wait_until(lambda: "sleeping" in f.executor.get_logs())
    stopping.set()
    started = time.monotonic()
    f.executor.stop()
    thread.join()
    assert failures and time.monotonic() - started < 3


def test_stop_during_the_start_ends_it(function):
    f = function()
    failures = []

    def start():
        with pytest.raises(LambdaRuntimeException, match="stopped while it was starting"):
            f.start(MODE="init hang")
        failures.append(1)

    thread = threading.Thread(target=start)
    thread.start()
    wait_until(lambda: f.executor._sandbox)
    f.executor.stop()
    thread.join()
    assert failures


def test_functions_end_with_a_localstack_that_is_killed(folder):
    Function(folder)
    program = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); from conftest import Function; "
        "f = Function(pathlib.Path(sys.argv[2])).start(); print(f.pid(), flush=True); sys.stdin.read()"
    )
    tests = str(Path(__file__).parent)
    arguments = [sys.executable, "-c", program, tests, str(folder)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as localstack:
        pid = int(localstack.stdout.readline())
        assert is_running(pid)
        localstack.kill()
    wait_until(lambda: not is_running(pid))


def test_other_runtimes_are_refused(folder):
    with pytest.raises(LambdaRuntimeException, match="found python3.13; without Docker only provided"):
        ProcessExecutor.prepare_version(function_version(folder, runtime="python3.13"))
    with pytest.raises(LambdaRuntimeException, match="found package type Image"):
        ProcessExecutor.prepare_version(function_version(folder, runtime=None, package_type="Image"))


def test_code_without_bootstrap_is_refused(folder):
    (folder / "bootstrap").rename(folder / "main")
    with pytest.raises(LambdaRuntimeException, match="found no file bootstrap in its code, only: main"):
        ProcessExecutor.prepare_version(function_version(folder))


def test_program_for_another_processor_is_refused(folder):
    risc_v = b"\x7fELF\x02\x01\x01".ljust(18, b"\0") + (243).to_bytes(2, "little")
    (folder / "bootstrap").write_bytes(risc_v)
    with pytest.raises(LambdaRuntimeException, match="found a bootstrap for processor 243 of ELF; .* this machine, which is"):
        ProcessExecutor.prepare_version(function_version(folder))
