"""A function version as LocalStack describes one, and an executor for it."""

import json
import os
import shutil
import sys
import threading
import time
import types
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fanline_localstack.executor import ProcessExecutor

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"not within {seconds} s"
        time.sleep(0.005)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


class Function:
    """An executor under test."""

    def __init__(self, folder: Path, **config: object) -> None:
        self.version = function_version(folder, **config)
        self.executor = ProcessExecutor(uuid.uuid4().hex, self.version)

    def start(self, **variables: object) -> "Function":
        ProcessExecutor.prepare_version(self.version)
        self.executor.start(variables)
        return self

    def invoke(self, do: str | None = None, **event: object) -> types.SimpleNamespace:
        payload = {
            "invoke-id": str(uuid.uuid4()),
            "payload": json.dumps({"do": do, **event}),
            "invoked-function-arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
            "trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        }
        result = self.executor.invoke(payload)
        assert result.request_id == payload["invoke-id"]
        return types.SimpleNamespace(
            id=result.request_id, value=json.loads(result.payload), is_error=result.is_error, logs=result.logs
        )

    def pid(self) -> int:
        return self.invoke("headers").value["pid"]


def function_version(folder: Path, **config: object) -> types.SimpleNamespace:
    code = types.SimpleNamespace(prepare_for_execution=lambda: None, get_unzipped_code_location=lambda: folder)
    settings = {"package_type": "Zip", "runtime": "provided.al2023", "timeout": 3, "memory_size": 256} | config
    return types.SimpleNamespace(
        id=types.SimpleNamespace(function_name="f", qualifier="$LATEST"),
        config=types.SimpleNamespace(code=code, **settings),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The code of the function, unzipped; zip files do not always keep who may execute what."""
    code = tmp_path / "code"
    code.mkdir()
    text = f"#!{sys.executable}\n{BOOTSTRAP.read_text()}"
    (code / "bootstrap").write_text(text)
    return code


@pytest.fixture
def function(folder: Path) -> Iterator[Callable[..., Function]]:
    """Makes functions, stops them, and finds what they left behind."""
    made: list[Function] = []

    def make(**config: object) -> Function:
        made.append(Function(folder, **config))
        return made[-1]

    before = footprint()
    yield make
    for each in made:
        each.executor.stop()
    wait_until(lambda: footprint() == before)
    shutil.rmtree(folder)


def footprint() -> tuple[int, int, int]:
    """Threads, open files (ports among them) and child processes of this process."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return threading.active_count(), len(os.listdir("/proc/self/fd")), len(children)
