"""Whose answer counts, and that an event goes to one process only."""

import random
import threading
from collections.abc import Callable

import pytest
from conftest import wait_until
from fanline_localstack.exchange import Answer, Ended, Exchange, Invocation

ANSWER = Answer(b"1", is_error=False)


def invocation(request_id: str) -> Invocation:
    return Invocation(request_id, b"{}", "arn", "trace", 0)


def in_background(work: Callable[[], object]) -> Callable[[], object]:
    """What it returned, or TimeoutError."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except TimeoutError:
            results.append(TimeoutError)

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> object:
        thread.join()
        return results[0]

    return result


def test_an_answer_after_the_timeout_is_refused_also_during_the_next_invocation():
    exchange = Exchange()
    taken = in_background(exchange.next)
    with pytest.raises(TimeoutError):
        exchange.invoke(invocation("first"), 0.05)
    assert taken().request_id == "first"
    assert not exchange.answer("first", ANSWER)
    second = in_background(lambda: exchange.invoke(invocation("second"), 5))
    assert exchange.next().request_id == "second"
    assert not exchange.answer("first", ANSWER)
    assert exchange.answer("second", ANSWER)
    assert second() == ANSWER
    assert not exchange.answer("second", ANSWER), "once"


def test_an_event_goes_to_the_newest_request_for_work():
    exchange = Exchange()
    given_up = in_background(exchange.next)
    wait_until(lambda: exchange._asking)
    newest = in_background(exchange.next)
    assert given_up() is None
    result = in_background(lambda: exchange.invoke(invocation("a"), 5))
    assert newest().request_id == "a"
    assert exchange.answer("a", ANSWER)
    assert result() == ANSWER


def test_the_end_tells_whether_the_event_had_been_handed_over():
    for hand_over in (False, True):
        exchange = Exchange()
        result = in_background(lambda exchange=exchange: exchange.invoke(invocation("a"), 5))
        if hand_over:
            assert exchange.next().request_id == "a"
        else:
            wait_until(lambda exchange=exchange: exchange._offered)
        exchange.end("exit status 1")
        assert result() == Ended("exit status 1", had_event=hand_over)
        assert exchange.next() is None


def test_an_answer_counts_though_the_process_ended_after_it():
    exchange = Exchange()
    result = in_background(lambda: exchange.invoke(invocation("a"), 5))
    exchange.next()
    assert exchange.answer("a", ANSWER)
    exchange.end("exit status 1")
    assert result() == ANSWER


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_each_invocation_has_one_outcome_and_its_own(seed):
    """A function that answers, answers for others, asks twice, is late or ends, in any order."""
    chance = random.Random(seed)
    exchange = Exchange()
    handed_over: list[str] = []

    def function() -> None:
        while (work := exchange.next()) is not None:
            handed_over.append(work.request_id)
            exchange.answer(f"not-{work.request_id}", Answer(b"wrong", is_error=False))
            if chance.random() < 0.2:
                continue
            if chance.random() < 0.05:
                exchange.end("signal: killed")
            exchange.answer(work.request_id, Answer(work.request_id.encode(), is_error=False))

    threads = [threading.Thread(target=function) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(100):
        try:
            outcome = exchange.invoke(invocation(str(number)), 0.01)
        except TimeoutError:
            continue
        if isinstance(outcome, Answer):
            assert outcome.payload == str(number).encode()
        else:
            assert outcome.had_event == (str(number) in handed_over)
            break
    exchange.end("signal: killed")
    for thread in threads:
        thread.join()
    assert len(handed_over) == len(set(handed_over)), "no event twice"
