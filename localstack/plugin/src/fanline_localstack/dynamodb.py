"""DynamoDB and its streams from Fanline's engine, in place of the Java program LocalStack downloads.

The one thing to get wrong: names. LocalStack rewrites the ARNs of its Java program, which carry the
region `ddblocal`, to those of whoever asked; so the engine is told to be in that region.
"""

import logging
import os

from localstack.runtime import hooks
from localstack.services.dynamodb.server import DynamodbServer
from localstack.utils.run import ShellCommandThread
from localstack.utils.threads import TMP_THREADS, FuncThread

LOG = logging.getLogger(__name__)

# The `fanline` command. Unset, LocalStack's DynamoDB stays as it is.
COMMAND = "FANLINE_COMMAND"
# The only region that LocalStack's providers replace.
REGION = "ddblocal"


@hooks.on_infra_start(should_load=lambda: bool(os.environ.get(COMMAND)))
def use_engine() -> None:
    """Called by LocalStack when it starts, before any service does."""
    DynamodbServer.do_start_thread = start_engine


def start_engine(server: DynamodbServer) -> FuncThread:
    """Starts the engine on the port that LocalStack chose for DynamoDB."""
    # It ends with LocalStack, even when that is killed.
    command = ["setpriv", "--pdeathsig", "TERM", "--"]
    command += [os.environ[COMMAND], "engine", "--port", str(server.port), "--region", REGION]
    if server.db_path:
        command += ["--data", server.db_path]
    LOG.debug("Starting DynamoDB: %s", command)
    thread = ShellCommandThread(
        command,
        # Tables in memory would be gone after a restart, and nothing would say so.
        auto_restart=bool(server.db_path),
        name="fanline-dynamodb",
        log_listener=lambda line, **_: LOG.debug(line.rstrip()),
    )
    TMP_THREADS.append(thread)
    thread.start()
    return thread
