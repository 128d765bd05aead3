"""LocalStack's execution environment of a Lambda function, as a process.

LocalStack makes one for each invocation that runs at the same time, uses it again while it is idle,
and stops it. The one thing to get wrong: that a process may end while the environment stays. As on
Lambda, the next invocation then gets a new process.
"""

import logging
import threading
import time
from pathlib import Path

from localstack.runtime.events import infra_stopping
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from fanline_localstack.exchange import Answer, Ended, Invocation, in_seconds
from fanline_localstack.output import Output
from fanline_localstack.sandbox import Sandbox, failed, timed_out

LOG = logging.getLogger(__name__)

# Of initialisation; then Lambda tries again, within the invocation and its timeout.
INIT_SECONDS = 10
LOOPBACK = "127.0.0.1"


class ProcessExecutorPlugin(RuntimeExecutorPlugin):
    """How LocalStack finds the executor: LAMBDA_RUNTIME_EXECUTOR=process."""

    name = "process"

    def load(self, *_arguments: object, **_named: object) -> type[RuntimeExecutor]:
        return ProcessExecutor


class ProcessExecutor(RuntimeExecutor):
    """One execution environment."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._output = Output()
        self._passed: dict[str, object] = {}
        self._sandbox: Sandbox | None = None
        # Of the two below; held for moments, so that `stop` is never kept waiting.
        self._lock = threading.Lock()
        self._is_stopped = False
        self._is_idle = threading.Event()
        self._is_idle.set()

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        config = function_version.config
        if config.package_type != "Zip" or not (config.runtime or "").startswith("provided"):
            found = config.runtime or f"package type {config.package_type}"
            raise LambdaRuntimeException(
                f"{config.function_name if hasattr(config, 'function_name') else function_version.id.function_name}: "
                f"found {found}; without Docker only provided.* runtimes run, from a zip with an executable bootstrap"
            )
        config.code.prepare_for_execution()
        program = _program(function_version)
        if not program.is_file():
            found = ", ".join(sorted(path.name for path in program.parent.iterdir())) or "nothing"
            raise LambdaRuntimeException(
                f"{function_version.id.function_name}: found no file bootstrap in its code, only: {found}"
            )
        # Zip files do not always keep it.
        program.chmod(program.stat().st_mode | 0o555)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """LocalStack removes the code itself."""

    def get_address(self) -> str:
        return LOOPBACK

    def get_endpoint_from_executor(self) -> str:
        return LOOPBACK

    def get_runtime_endpoint(self) -> str:
        # For the init program in LocalStack's containers; there is none here.
        return ""

    def get_logs(self) -> str:
        return self._output.recent()

    def start(self, env_vars: dict[str, str]) -> None:
        self._passed = env_vars
        sandbox = self._new_sandbox()
        try:
            # A failure shows in the invocation, with what was printed; here it would not reach the log.
            sandbox.wait_until_ready(INIT_SECONDS)
        except TimeoutError:
            LOG.debug("%s did not initialise in %s s", self.function_version.id.function_name, INIT_SECONDS)
            sandbox.close(gracefully=False)
        self._fail_if_stopped("while it was starting")

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        self._is_idle.clear()
        try:
            return self._invoke(payload)
        finally:
            self._is_idle.set()

    def stop(self) -> None:
        # An update lets what is under way end, as on AWS; LocalStack's own end does not.
        if not infra_stopping.is_set():
            self._is_idle.wait(self.function_version.config.timeout + 1)
        with self._lock:
            self._is_stopped = True
            sandbox = self._sandbox
        if sandbox:
            sandbox.close(gracefully=True)

    def _invoke(self, payload: dict[str, str]) -> InvocationResult:
        config, request_id = self.function_version.config, payload["invoke-id"]
        log = [f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}\n"]
        started = time.monotonic()
        sandbox = self._sandbox
        result: Answer
        try:
            if not sandbox.is_alive():
                log.insert(0, sandbox.take_log())
                sandbox.close(gracefully=False)
                sandbox = self._new_sandbox()
            outcome = sandbox.wait_until_ready(config.timeout)
            if outcome is None:
                left = config.timeout - (time.monotonic() - started)
                invocation = Invocation(
                    request_id=request_id,
                    payload=payload["payload"].encode(),
                    function_arn=payload["invoked-function-arn"],
                    trace_id=payload["trace-id"],
                    deadline_ms=in_seconds(left),
                )
                outcome = sandbox.invoke(invocation, left)
            result = outcome if isinstance(outcome, Answer) else Answer(failed(request_id, outcome), is_error=True)
            # One that could not initialise is of no use for the next.
            ended = isinstance(outcome, Ended)
        except TimeoutError:
            result, ended = Answer(timed_out(request_id, config.timeout), is_error=True), True
        milliseconds = (time.monotonic() - started) * 1000
        self._fail_if_stopped("during an invocation")
        log += [sandbox.take_log(), f"END RequestId: {request_id}\n"]
        log.append(sandbox.report(request_id, milliseconds, config.memory_size))
        if ended:
            log.append(f"\n{result.payload.decode(errors='replace')}")
            sandbox.close(gracefully=False)
        return InvocationResult(request_id, result.payload, result.is_error, "".join(log))

    def _new_sandbox(self) -> Sandbox:
        program = _program(self.function_version)
        sandbox = Sandbox(program, self._passed, self.function_version.config.runtime, self._output)
        with self._lock:
            self._sandbox = sandbox
            is_stopped = self._is_stopped
        if is_stopped:
            sandbox.close(gracefully=False)
        return sandbox

    def _fail_if_stopped(self, when: str) -> None:
        with self._lock:
            is_stopped = self._is_stopped
        if is_stopped:
            raise LambdaRuntimeException(f"{self.function_version.id.function_name} was stopped {when}")


def _program(function_version: FunctionVersion) -> Path:
    return Path(function_version.config.code.get_unzipped_code_location()) / "bootstrap"
