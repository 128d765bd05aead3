"""Prints the command that README.md shows under a heading: the first line of the first fenced block.

The README is the one place where the command is written; CI runs what newcomers read.
Usage: python3 .ci/readme_command.py Test
"""

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def section(text: str, heading: str) -> list[str]:
    """The lines below `## heading`, up to the next heading of its level or above."""
    found: list[str] | None = None
    in_fence = False
    for line in text.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            in_fence = not in_fence
        if not in_fence and re.match(r"#{1,2} ", line):
            if found is not None:
                return found
            if line.removeprefix("## ").strip().lower() == heading.lower():
                found = []
        elif found is not None:
            found.append(line)
    if found is None:
        raise SystemExit(f"README.md: found no heading '## {heading}'; CI takes a command from its first code block")
    return found


def first_command(lines: list[str], heading: str) -> str:
    in_fence = False
    for line in map(str.strip, lines):
        if line.startswith(("```", "~~~")):
            if in_fence:
                break
            in_fence = True
        elif in_fence and line and not line.startswith("#"):
            return line.removeprefix("$ ")
    raise SystemExit(
        f"README.md: the section '## {heading}' has no code block with a command; put it on the block's first line"
    )


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(
            f"expected one heading, found {len(sys.argv) - 1} arguments; for example: readme_command.py Test"
        )
    if not README.is_file():
        raise SystemExit("README.md: there is none beside .ci/")
    heading = sys.argv[1]
    print(first_command(section(README.read_text(encoding="utf-8"), heading), heading))


main()
