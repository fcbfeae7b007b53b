"""``python -m workers.engines.llama_cpp.gbnf < GBNF > LARK``. Lark stays as it is; what cannot be read is refused."""

import resource
import sys

from llguidance.gbnf_to_lark import any_to_lark

MEMORY = 1 << 30
"""Bytes of address space."""


def main() -> None:
    """Convert, within bounds: the standard error's last line says why not."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        said = any_to_lark(sys.stdin.buffer.read().decode())
    except Exception as error:  # noqa: BLE001  # the converter raises anything, bare exceptions included
        sys.exit(str(error) or type(error).__name__)
    sys.stdout.buffer.write(said.encode())


if __name__ == "__main__":
    main()
