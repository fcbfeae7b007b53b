"""What decisions need to know of the accelerator that a model is loaded on."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU. A function that takes ``None`` in its place means the CPU.

    ``capability`` is CUDA's compute capability, None on a GPU that has none (Apple's). ``free_bytes`` is what this
    process may still take. ``unified``: its memory is the host's (GB10, Jetson, Apple).
    """

    capability: tuple[int, int] | None
    total_bytes: int
    free_bytes: int
    unified: bool = False

    @property
    def margin_bytes(self) -> int:
        """What is left free of it, for contexts of CUDA and what allocators round up; on unified memory for the system.

        A context takes 0.3 to 0.6 GB, most on the largest GPUs.
        """
        return self.total_bytes // 8 if self.unified else max(512 * MIB, self.total_bytes // 80)

    @property
    def room_bytes(self) -> int:
        """What a model may take beside what is taken already."""
        return max(0, self.free_bytes - self.margin_bytes)

    @property
    def computes_bfloat16(self) -> bool:
        """Whether it multiplies bfloat16 in hardware, or as fast. Below capability 8.0 CUDA emulates it, slowly."""
        return self.capability is None or self.capability >= (8, 0)
