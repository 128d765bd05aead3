"""The environment variables of a function, as Lambda sets them.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
LocalStack passes most of them, and some that only its own init program in a container needs.
"""

from collections.abc import Mapping
from pathlib import Path

# Of LocalStack's init program. AWS_ENDPOINT_URL, LOCALSTACK_HOSTNAME and EDGE_PORT are for functions.
INTERNAL = frozenset({
    "AWS_LAMBDA_FUNCTION_TIMEOUT",
    "LOCALSTACK_FUNCTION_ACCOUNT_ID",
    "LOCALSTACK_INIT_LOG_LEVEL",
    "LOCALSTACK_MAX_PAYLOAD_SIZE",
    "LOCALSTACK_POST_INVOKE_WAIT_MS",
    "LOCALSTACK_RUNTIME_ENDPOINT",
    "LOCALSTACK_RUNTIME_ID",
    "LOCALSTACK_USER",
})
DEFAULTS = {
    "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LANG": "en_US.UTF-8",
    "LD_LIBRARY_PATH": "/lib64:/usr/lib64",
}


def variables(passed: Mapping[str, object], runtime: str, task_root: Path, runtime_api: str) -> dict[str, str]:
    """All variables of one process. `runtime_api` is the address of its Runtime API."""
    kept = {name: str(value) for name, value in passed.items() if name not in INTERNAL and value is not None}
    if kept.get("AWS_EXECUTION_ENV") == "AWS_Lambda_rapid":
        kept["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{runtime}"
    reserved = {"AWS_LAMBDA_RUNTIME_API": runtime_api, "LAMBDA_TASK_ROOT": str(task_root)}
    return DEFAULTS | kept | reserved
