"""``python -m workers.engines.llama_cpp.gbnf < GBNF > LARK``. Converts a grammar from GBNF to Lark.

A grammar in Lark stays as it is. One that cannot be read is refused.
"""

import resource
import sys

from llguidance.gbnf_to_lark import any_to_lark

MEMORY = 1 << 30
"""Bytes of address space."""


def main() -> None:
    """Convert, within a bound on memory. Where that fails, the last line of standard error is the reason."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        lark = any_to_lark(sys.stdin.buffer.read().decode())
    except Exception as error:  # noqa: BLE001  # the converter raises anything, bare exceptions included
        sys.exit(str(error) or type(error).__name__)
    sys.stdout.buffer.write(lark.encode())


if __name__ == "__main__":
    main()
