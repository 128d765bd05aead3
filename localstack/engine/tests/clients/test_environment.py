"""What `fanline engine` prints for people, pasted into a shell as they would."""

import os
import subprocess
import sys

import pytest

BOTO3 = "import boto3; print(boto3.client('sqs').create_queue(QueueName='q')['QueueUrl'])"
CALLS = {
    "boto3": [sys.executable, "-c", BOTO3],
    # Not its SQS: the aws CLI 1 takes an endpoint for that from --endpoint-url alone.
    "aws": [sys.executable, "-m", "awscli", "sns", "create-topic", "--name", "t"],
}


@pytest.fixture(scope="module")
def printed(fanline):
    command = [fanline, "engine", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as engine:
        yield engine.stdout.readline() + engine.stdout.readline()
        engine.terminate()
        assert engine.wait(timeout=10) == 0


@pytest.mark.parametrize("client", CALLS)
def test_the_printed_lines_are_all_a_client_needs(printed, client):
    """Also the region, which boto3 and the CLI read from AWS_DEFAULT_REGION only."""
    nothing = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    nothing |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    script = printed + 'exec "$@"'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *CALLS[client]],
        env=nothing,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "000000000000" in done.stdout
