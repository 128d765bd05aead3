"""One operating system process of a function: in a process group of its own, with nothing inherited.

The one thing to get wrong: what outlives what. Children of the function end with it, and it ends with
LocalStack even when that is killed. For the latter the kernel watches the thread that started the
process, so one thread starts it and stays until it has ended.
"""

import fcntl
import logging
import os
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from fanline_localstack.output import Output

LOG = logging.getLogger(__name__)

# What Lambda gives a runtime between the request to end and the kill.
GRACE_SECONDS = 2
# A grandchild that left the process group can hold the pipe open for ever.
DRAIN_SECONDS = 1


class Process:
    """Starts with its construction. `on_end` is called once, after the last output was read."""

    def __init__(
        self,
        program: Path,
        environment: Mapping[str, str],
        output: Output,
        on_end: Callable[[str], None],
    ) -> None:
        self._program = program
        self._environment = dict(environment)
        self._output = output
        self._on_end = on_end
        self._started = threading.Event()
        self._ended = threading.Event()
        self._child: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        # Signals go to a process group that still exists: never after it was waited for.
        self._signals = threading.Lock()
        # What left the pipe is in the output whenever nobody holds it.
        self._reads = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, name=f"function-{program.parent.name}", daemon=True)
        self._keeper.start()
        self._started.wait()
        if self._failure:
            raise self._failure

    def peak_memory_mb(self) -> int:
        """The most memory it has had, 0 if that cannot be told."""
        with self._signals:
            if self._child is None:
                return 0
            try:
                status = Path(f"/proc/{self._child.pid}/status").read_text(encoding="ascii", errors="replace")
            except OSError:
                return 0
        peak = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
        return -(-int(peak[1]) // 1024) if peak else 0

    def wait_for_output(self, seconds: float = 0.1) -> None:
        """What it has written is in `output`, unless it goes on writing."""
        until = time.monotonic() + seconds
        while not self._ended.is_set() and time.monotonic() < until and self._unread():
            time.sleep(0.001)

    def terminate(self) -> None:
        """Asks it to end, kills it when it does not, and waits."""
        self._signal(signal.SIGTERM)
        if not self._ended.wait(GRACE_SECONDS):
            self.kill()
        self._keeper.join()

    def kill(self) -> None:
        """Ends it and its children, and waits."""
        self._signal(signal.SIGKILL)
        self._keeper.join()

    def _keep(self) -> None:
        try:
            # A function that did this by itself would need a fork in a program of many threads.
            command = ["setpriv", "--pdeathsig", "KILL", "--", str(self._program)]
            self._child = subprocess.Popen(
                command,
                cwd=self._program.parent,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        except OSError as error:
            self._failure = error
            return
        finally:
            self._started.set()
        reader = threading.Thread(target=self._read, name=f"output-{self._child.pid}", daemon=True)
        reader.start()
        # Not yet waited for: the number stays taken until the children are ended too.
        os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT)
        with self._signals:
            self._kill_group(signal.SIGKILL)
            status = self._child.wait()
            self._child, child = None, self._child
        reader.join(DRAIN_SECONDS)
        self._ended.set()
        self._on_end(_as_lambda_says(status))
        if not reader.is_alive():
            child.stdout.close()

    def _read(self) -> None:
        pipe = self._child.stdout.fileno()
        # Not select(), which knows no descriptor above 1023.
        readable = select.poll()
        readable.register(pipe, select.POLLIN)
        chunk = b"not the end"
        while chunk:
            readable.poll()
            with self._reads:
                chunk = os.read(pipe, 65536)
                self._output.add(chunk)

    def _unread(self) -> bool:
        with self._reads, self._signals:
            if self._child is None:
                # Just gone: what it wrote last may still be in the pipe.
                return not self._ended.is_set()
            size = fcntl.ioctl(self._child.stdout.fileno(), termios.FIONREAD, struct.pack("i", 0))
            return struct.unpack("i", size)[0] > 0

    def _signal(self, number: int) -> None:
        with self._signals:
            if self._child is not None:
                self._kill_group(number)

    def _kill_group(self, number: int) -> None:
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            pass


def _as_lambda_says(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    names = {signal.SIGKILL: "killed", signal.SIGTERM: "terminated", signal.SIGSEGV: "segmentation fault"}
    number = signal.Signals(-status)
    return f"signal: {names.get(number, number.name)}"
