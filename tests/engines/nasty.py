"""Forms that llguidance's own bounds do not stop: they hang it, the late one amid an answer, or overflow its stack."""

from typing import Any

HANGS: dict[str, Any] = {"allOf": [{"pattern": f"(.*a.{{{number}}}b.*){{20}}"} for number in range(30)]}
HANGS_LATE: dict[str, Any] = {
    "allOf": [{"pattern": f"^(z|[a-y]{{5}}(.*a.{{{number}}}b.*){{20}})$"} for number in range(30)]
}
OVERFLOWS = "start: r0\n" + "\n".join(f'r{one}: r{one + 1} "x"' for one in range(3500)) + '\nr3500: "a"'
