"""LocalStack's execution environment of a Lambda function, as a process.

LocalStack makes one for each invocation that runs at the same time, uses it again while it is idle,
and stops it. The one thing to get wrong: that a process may end while the environment stays. As on
Lambda, the next invocation then gets a new process.
"""

import logging
import platform
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
                f"{function_version.id.function_name}: "
                f"found {found}; without Docker only provided.* runtimes run, from a zip with an executable bootstrap"
            )
        config.code.prepare_for_execution()
        program = _program(function_version)
        if not program.is_file():
            found = ", ".join(sorted(path.name for path in program.parent.iterdir())) or "nothing"
            raise LambdaRuntimeException(
                f"{function_version.id.function_name}: found no file bootstrap in its code, only: {found}"
            )
        built_for = _processor(program)
        if built_for not in (None, platform.machine()):
            raise LambdaRuntimeException(
                f"{function_version.id.function_name}: found a bootstrap for {built_for}; without Docker it runs on this "
                f"machine, which is {platform.machine()}; build it for that, as localstack/deploy does"
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
        self._new_sandbox()
        try:
            # A failure shows in the invocation, with what was printed; here it would not reach the log.
            self._sandbox.wait_until_ready(INIT_SECONDS)
        except TimeoutError:
            LOG.debug("%s did not initialise in %s s", self.function_version.id.function_name, INIT_SECONDS)
            self._sandbox.close(gracefully=False)
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
        started = time.monotonic()
        log = [f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}\n"]
        try:
            outcome = self._ask(payload, started + config.timeout)
            is_of_use = isinstance(outcome, Answer) and self._sandbox.was_ready()
            result = outcome if isinstance(outcome, Answer) else Answer(failed(request_id, outcome), is_error=True)
        except TimeoutError:
            is_of_use = False
            result = Answer(timed_out(request_id, config.timeout), is_error=True)
        milliseconds = (time.monotonic() - started) * 1000
        self._fail_if_stopped("during an invocation")
        sandbox = self._sandbox
        log += [sandbox.take_log(), f"END RequestId: {request_id}\n"]
        log.append(sandbox.report(request_id, milliseconds, config.memory_size))
        if not is_of_use:
            log.append(f"\n{result.payload.decode(errors='replace')}")
            sandbox.close(gracefully=False)
        return InvocationResult(request_id, result.payload, result.is_error, "".join(log))

    def _ask(self, payload: dict[str, str], until: float) -> Answer | Ended:
        """Gives the event to the process, to a new one if that has ended. TimeoutError."""
        while True:
            if not self._sandbox.is_alive():
                self._sandbox.close(gracefully=False)
                self._new_sandbox()
            failure = self._sandbox.wait_until_ready(until - time.monotonic())
            if failure:
                return failure
            left = until - time.monotonic()
            invocation = Invocation(
                request_id=payload["invoke-id"],
                payload=payload["payload"].encode(),
                function_arn=payload["invoked-function-arn"],
                trace_id=payload["trace-id"],
                deadline_ms=in_seconds(left),
            )
            outcome = self._sandbox.invoke(invocation, left)
            # It may have ended just when the event came.
            if isinstance(outcome, Answer) or outcome.had_event or self._stopped():
                return outcome

    def _new_sandbox(self) -> None:
        program = _program(self.function_version)
        sandbox = Sandbox(program, self._passed, self.function_version.config.runtime, self._output)
        with self._lock:
            self._sandbox = sandbox
        # Then nobody else ends it.
        if self._stopped():
            sandbox.close(gracefully=False)

    def _stopped(self) -> bool:
        with self._lock:
            return self._is_stopped

    def _fail_if_stopped(self, when: str) -> None:
        if self._stopped():
            raise LambdaRuntimeException(f"{self.function_version.id.function_name} was stopped {when}")


def _program(function_version: FunctionVersion) -> Path:
    return Path(function_version.config.code.get_unzipped_code_location()) / "bootstrap"


# e_machine of the ELF header.
PROCESSORS = {62: "x86_64", 183: "aarch64"}


def _processor(program: Path) -> str | None:
    """Which processor a binary is for; None for a script."""
    with program.open("rb") as file:
        header = file.read(20)
    if not header.startswith(b"\x7fELF"):
        return None
    number = int.from_bytes(header[18:20], "little")
    return PROCESSORS.get(number, f"processor {number} of ELF")
