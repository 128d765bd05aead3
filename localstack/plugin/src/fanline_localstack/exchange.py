"""What a function's process and whoever invokes it owe each other; no I/O.

The one thing to get wrong: whose answer counts. Only the answer to the invocation that is under way
does; one that comes after its timeout, or names another request, is refused.
"""

import dataclasses
import threading
import time


@dataclasses.dataclass(frozen=True)
class Invocation:
    """One event for the function."""

    request_id: str
    payload: bytes
    function_arn: str
    trace_id: str
    # Of the wall clock, since functions compare it with theirs.
    deadline_ms: int


@dataclasses.dataclass(frozen=True)
class Answer:
    """What the function said of an invocation, or of its own initialisation."""

    payload: bytes
    is_error: bool


@dataclasses.dataclass(frozen=True)
class Ended:
    """The process ended instead of answering; `how` as Lambda puts it: `exit status 1`, `signal: killed`."""

    how: str
    # Whether it had got the event. If not, another process may.
    had_event: bool = False


class Exchange:
    """Hands one invocation at a time to the function, and its answer back."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_ready = False
        self._asking: object | None = None
        self._offered: Invocation | None = None
        self._under_way: str | None = None
        self._answer: Answer | None = None
        self._ended: Ended | None = None

    # The side of the invoker.

    def wait_until_ready(self, timeout: float) -> Answer | Ended | None:
        """Waits for the first request for work; None is good. TimeoutError if it does not come."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._is_ready or self._answer or self._ended, timeout):
                raise TimeoutError
            return None if self._is_ready and not self._ended else self._answer or self._ended

    def invoke(self, invocation: Invocation, timeout: float) -> Answer | Ended:
        """Waits for the answer. TimeoutError, after which no answer to it is taken any more."""
        with self._changed:
            self._offered, self._answer = invocation, None
            self._changed.notify_all()
            arrived = self._changed.wait_for(lambda: self._answer or self._ended, timeout)
            had_event = self._offered is None
            self._offered = self._under_way = None
            if not arrived:
                raise TimeoutError
            # An answer counts even if the process ended right after it.
            return self._answer or dataclasses.replace(self._ended, had_event=had_event)

    def is_ended(self) -> bool:
        with self._changed:
            return self._ended is not None

    def end(self, how: str) -> None:
        """The process is gone, or nobody will ask it any more."""
        with self._changed:
            self._ended = self._ended or Ended(how)
            self._changed.notify_all()

    # The side of the function.

    def next(self) -> Invocation | None:
        """Waits for work; None if there will be none here."""
        with self._changed:
            self._is_ready = True
            # Who asks again has given up the earlier request, though its connection may not show it:
            # an event handed to that would be lost.
            mine = self._asking = object()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._offered or self._ended or self._asking is not mine)
            if self._ended or self._asking is not mine:
                return None
            invocation, self._offered = self._offered, None
            self._under_way = invocation.request_id
            return invocation

    def answer(self, request_id: str, answer: Answer) -> bool:
        """Whether the answer was to what is under way, and so taken."""
        with self._changed:
            if self._under_way != request_id:
                return False
            self._answer, self._under_way = answer, None
            self._changed.notify_all()
            return True

    def fail_to_initialise(self, payload: bytes) -> bool:
        """Whether the function was still initialising."""
        with self._changed:
            if self._is_ready or self._answer:
                return False
            self._answer = Answer(payload, is_error=True)
            self._changed.notify_all()
            return True


def in_seconds(timeout: float) -> int:
    """A deadline so many seconds from now, in milliseconds of the wall clock."""
    return int((time.time() + timeout) * 1000)
