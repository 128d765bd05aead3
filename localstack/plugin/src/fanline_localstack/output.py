"""What a process prints, kept for the log of the invocation in which it was printed.

The one thing to get wrong: memory. A function that prints without end must not fill that of
LocalStack, so the beginning of what nobody took is dropped, and the log says so.
"""

import threading

LIMIT = 1024 * 1024


class Output:
    """Filled by one thread, emptied by others."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept = bytearray()
        self._dropped = 0
        self._taken = ""

    def add(self, chunk: bytes) -> None:
        with self._lock:
            self._kept += chunk
            excess = len(self._kept) - self._limit
            if excess > 0:
                del self._kept[:excess]
                self._dropped += excess

    def take(self) -> str:
        """What was printed since the last call, as whole lines."""
        with self._lock:
            text = self._kept.decode(errors="replace")
            if self._dropped:
                text = f"({self._dropped} bytes before this were dropped)\n{text}"
            if text and not text.endswith("\n"):
                text += "\n"
            self._kept.clear()
            self._dropped, self._taken = 0, text
            return text

    def recent(self) -> str:
        """What was taken last, and what came since."""
        with self._lock:
            return self._taken + self._kept.decode(errors="replace")
