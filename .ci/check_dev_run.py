"""Checks the numbers of one `cargo fanline dev --until-idle --json` run, read from stdin.

It trusts no single number: each queue's outcomes have to add up to what arrived, and a run in
which nothing happened is a failure too, or an empty events file would pass.
"""

import json
import sys

QUEUES = ("email-service-queue", "analytics-service-queue")
ENDS = ("succeeded", "duplicates", "dead_lettered", "left")


def problems_of_queue(name: str, queue: dict) -> list[str]:
    counts = {key: queue.get(key) for key in ("messages", "receives", "retried", *ENDS)}
    wrong = [
        f"{name}: {key} is {value!r}, expected a count"
        for key, value in counts.items()
        if type(value) is not int or value < 0
    ]
    if wrong:
        return wrong
    found = []
    ended = sum(counts[key] for key in ENDS)
    if counts["messages"] != ended:
        parts = " + ".join(f"{counts[key]} {key}" for key in ENDS)
        found.append(f"{name}: {counts['messages']} messages arrived, {ended} are accounted for ({parts})")
    if counts["left"] != 0:
        found.append(f"{name}: {counts['left']} messages are left, expected none")
    return found


def problems(run: dict) -> list[str]:
    found = []
    if run.get("lost") != 0:
        found.append(f"lost is {run.get('lost')!r}, expected 0")
    if not run.get("published"):
        found.append(f"published is {run.get('published')!r}, expected the events of the sample file")
    queues = run.get("queues")
    if not isinstance(queues, dict):
        return [*found, f"queues is {queues!r}, expected an object"]
    for name, queue in queues.items():
        found += problems_of_queue(name, queue) if isinstance(queue, dict) else [f"{name}: {queue!r} is no object"]
    # The sample file has sign-ups, some of them twice, for both consumers; email-service gets the poison too.
    expected = [(name, outcome) for name in QUEUES for outcome in ("succeeded", "duplicates")]
    for name, outcome in [*expected, (QUEUES[0], "dead_lettered")]:
        queue = queues.get(name)
        if not isinstance(queue, dict):
            found.append(f"{name}: found no such queue")
        elif not queue.get(outcome):
            found.append(f"{name}: {outcome} is {queue.get(outcome)!r}, expected some")
    return found


def main() -> None:
    text = sys.stdin.read()
    try:
        run = json.loads(text)
    except ValueError as error:
        raise SystemExit(f"expected one JSON object from `fanline dev --json`, found {text[:200]!r}: {error}")
    if not isinstance(run, dict):
        raise SystemExit(f"expected one JSON object from `fanline dev --json`, found {text[:200]!r}")
    print(json.dumps(run, indent=2))
    if found := problems(run):
        raise SystemExit("\n".join(found))
    print(f"dev run: {run['published']} published, 0 lost, 0 left")


main()
