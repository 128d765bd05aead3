"""What CloudWatch Logs shows of an invocation."""

import re


def test_log_has_lambdas_lines_around_those_of_the_function(function):
    f = function().start()
    result = f.invoke("print", text="hello")
    expected = (
        rf"START RequestId: {result.id} Version: \$LATEST\n"
        rf"started\nhello\nto stderr\n"
        rf"END RequestId: {result.id}\n"
        rf"REPORT RequestId: {result.id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        rf"Memory Size: 256 MB\tMax Memory Used: [1-9]\d* MB\tInit Duration: [\d.]+ ms\t"
    )
    assert re.fullmatch(expected, result.logs), result.logs
    again = f.invoke("print", text="again")
    assert "\nagain\n" in again.logs and "hello" not in again.logs
    assert "Init Duration" not in again.logs


def test_log_of_a_function_that_prints_much_says_what_it_dropped(function):
    result = function().start().invoke("flood", lines=20_000)
    dropped = int(re.search(r"\((\d+) bytes before this were dropped\)", result.logs)[1])
    assert dropped == len("started\n") + 20_000 * 100 - 1024 * 1024
