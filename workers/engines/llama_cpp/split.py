"""How llama.cpp divides a model among several GPUs: pure decisions."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.errors import InvalidRequest
from models.launching.options.text import MOST_GPUS, SplitMode


@dataclass(frozen=True, slots=True)
class Split:
    """Layers or rows go to all GPUs, by ``shares`` or by their free memory; ``none``: the ``main`` GPU has it all."""

    mode: SplitMode = "layer"
    shares: tuple[float, ...] = ()
    main: int = 0

    def fractions(self, free: Sequence[int]) -> list[float]:
        """What part of the model each GPU holds, where so many bytes are free on them."""
        if self.mode == "none":
            return [float(number == self.main) for number in range(len(free))]
        weights = self.shares or (free if any(free) else [1] * len(free))
        return [one / sum(weights) for one in weights]

    @property
    def padded(self) -> list[float]:
        """The shares as llama.cpp reads them; all are 0 where they follow free memory."""
        return [*self.shares, *[0.0] * (MOST_GPUS - len(self.shares))]


def split_over(gpus: int, mode: SplitMode | None, shares: Sequence[float] | None, main: int | None) -> Split:
    """What a launch asks for, on so many GPUs; 0 means a CPU.

    Raises InvalidRequest, with the option at fault, for what these GPUs cannot do, and for what would have no effect.
    """
    asked = {"split_mode": mode, "tensor_split": shares, "main_gpu": main}
    named = [name for name, value in asked.items() if value is not None]
    if named and not gpus:
        raise InvalidRequest(f"'{named[0]}' is set, and this replica is on a CPU", param=named[0])
    if shares is not None:
        _check_shares(gpus, mode, shares)
    if main is not None:
        if main >= gpus:
            raise InvalidRequest(f"'main_gpu' is {main}, and the replica has {_gpus(gpus)}", param="main_gpu")
        if gpus > 1 and mode not in ("none", "row"):
            raise InvalidRequest("'main_gpu' has no effect where layers are split: see 'split_mode'", param="main_gpu")
    return Split(mode or "layer", tuple(shares or ()), main or 0)


def _check_shares(gpus: int, mode: SplitMode | None, shares: Sequence[float]) -> None:
    if len(shares) != gpus:
        message = f"'tensor_split' has {len(shares)} shares, and the replica has {_gpus(gpus)}"
        raise InvalidRequest(message, param="tensor_split")
    if not any(shares):
        raise InvalidRequest("'tensor_split' gives no GPU a share", param="tensor_split")
    if mode == "none":
        raise InvalidRequest("'tensor_split' has no effect with the split_mode 'none'", param="tensor_split")


def _gpus(count: int) -> str:
    return "1 GPU" if count == 1 else f"{count} GPUs"
