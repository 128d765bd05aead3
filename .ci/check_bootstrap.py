"""Checks that `sam build` made a Linux x86-64 executable of one function.

Folder, package, binary and resource share a name: functions/email-service is EmailService.
Usage: python3 .ci/check_bootstrap.py email-service
"""

import sys
from pathlib import Path

ELF_64_LITTLE_ENDIAN = b"\x7fELF\x02\x01"
MACHINE = slice(18, 20)
X86_64 = b"\x3e\x00"


def main() -> None:
    root = Path(__file__).resolve().parent.parent
    resource = "".join(word.capitalize() for word in sys.argv[1].split("-"))
    path = Path(".aws-sam", "build", resource, "bootstrap")
    try:
        with (root / path).open("rb") as file:
            head = file.read(20)
            size = file.seek(0, 2)
    except OSError as error:
        raise SystemExit(
            f"{path}: {error.strerror}; is functions/{sys.argv[1]} the resource {resource} in template.yaml?"
        )
    if not head.startswith(ELF_64_LITTLE_ENDIAN) or head[MACHINE] != X86_64:
        raise SystemExit(f"{path}: expected an x86-64 ELF executable, found a file that begins with {head.hex(' ')}")
    print(f"{path}: x86-64 ELF, {size / 1e6:.1f} MB")


main()
