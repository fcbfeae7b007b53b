"""``python -m workers.engines.llama_cpp.gbnf < GBNF > LARK``. Converts a grammar from GBNF to Lark.

A grammar in Lark stays as it is. One that cannot be read is refused: with the exit code ``REFUSED``, and the reason in
the last line of standard error.
"""

import sys

from workers.engines.structured.memory import limit_memory

MEMORY = 1 << 30
"""Bytes of address space; resident ones where the kernel does not bound that."""
REFUSED = 3


def main() -> None:
    """Convert, within a bound on memory."""
    from llguidance.gbnf_to_lark import any_to_lark  # not at the top: the runner imports this file, too

    limit_memory(MEMORY)
    try:
        lark = any_to_lark(sys.stdin.buffer.read().decode())
    except Exception as error:  # noqa: BLE001  # the converter raises anything, bare exceptions included
        print(str(error) or type(error).__name__, file=sys.stderr)
        sys.exit(REFUSED)
    sys.stdout.buffer.write(lark.encode())


if __name__ == "__main__":
    main()
