"""One start of a function: its process, its Runtime API, and the log of its invocations.

A sandbox serves until its process ends; whoever has it then makes another. The one thing to get
wrong: leaving something behind. Whatever happens, `close` ends the process and frees the port.
"""

import json
import math
import time
from pathlib import Path

from fanline_localstack.environment import variables
from fanline_localstack.exchange import Answer, Ended, Exchange, Invocation
from fanline_localstack.output import Output
from fanline_localstack.process import Process
from fanline_localstack.runtime_api import RuntimeApi


class Sandbox:
    """A running process, not necessarily ready for work."""

    def __init__(self, program: Path, passed: dict[str, object], runtime: str, output: Output) -> None:
        self._output = output
        self._started = time.monotonic()
        self._was_ready = False
        self._init_ms: float | None = None
        self._exchange = Exchange()
        self._runtime_api = RuntimeApi(self._exchange)
        environment = variables(passed, runtime, program.parent, self._runtime_api.address)
        try:
            self._process = Process(program, environment, output, self._exchange.end)
        except BaseException:
            self._runtime_api.close()
            raise

    def was_ready(self) -> bool:
        """Whether it has initialised."""
        return self._was_ready

    def is_alive(self) -> bool:
        return not self._exchange.is_ended()

    def wait_until_ready(self, timeout: float) -> Answer | Ended | None:
        """None is good; TimeoutError."""
        failure = self._exchange.wait_until_ready(timeout)
        if failure is None and not self._was_ready:
            self._was_ready = True
            self._init_ms = (time.monotonic() - self._started) * 1000
        return failure

    def invoke(self, invocation: Invocation, timeout: float) -> Answer | Ended:
        """TimeoutError, after which the sandbox is to be closed."""
        return self._exchange.invoke(invocation, timeout)

    def take_log(self) -> str:
        """What was printed since the last time."""
        self._process.wait_for_output()
        return self._output.take()

    def report(self, request_id: str, milliseconds: float, memory_mb: int) -> str:
        """The line that Lambda ends an invocation's log with."""
        # Initialisation is billed too, for every runtime.
        init_ms, self._init_ms = self._init_ms, None
        billed = math.ceil(milliseconds + (init_ms or 0))
        line = (
            f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {billed} ms\t"
            f"Memory Size: {memory_mb} MB\tMax Memory Used: {self._process.peak_memory_mb()} MB\t"
        )
        return f"{line}Init Duration: {init_ms:.2f} ms\t" if init_ms else line

    def close(self, *, gracefully: bool) -> None:
        """Ends the process and frees the port; again is no error."""
        if gracefully:
            self._process.terminate()
        else:
            self._process.kill()
        self._exchange.end("signal: killed")
        self._runtime_api.close()


def failed(request_id: str, what: Answer | Ended) -> bytes:
    """The payload of an invocation whose function did not answer it."""
    if isinstance(what, Answer):
        return what.payload
    reason = "Runtime exited without providing a reason"
    if what.how != "exit status 0":
        reason = f"Runtime exited with error: {what.how}"
    return error("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}")


def timed_out(request_id: str, timeout: float) -> bytes:
    """The payload of an invocation that took too long."""
    return error("Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout:.2f} seconds")


def error(error_type: str, message: str) -> bytes:
    """An error as Lambda writes it."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
