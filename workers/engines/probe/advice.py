"""What to say of a library that does not work on a device: pure functions of what is installed and of the driver."""

from dataclasses import dataclass

Version = tuple[int, ...]

LEAST_DRIVER = {12: 525, 13: 580}
"""The least NVIDIA driver for each major version of CUDA: within one, a newer library runs on an older driver."""
APT = "sudo apt-get install gcc python3-dev"


@dataclass(frozen=True, slots=True)
class Driver:
    """NVIDIA's driver: its version, the newest CUDA that it serves, such as "12.8", and why it cannot be used."""

    version: str = ""
    cuda: str = ""
    trouble: str = ""

    @property
    def generation(self) -> int:
        """The major version of the newest CUDA that it serves; 0 without a driver."""
        return major(self.cuda)

    def __str__(self) -> str:
        if not self.version:
            return self.trouble or "there is no NVIDIA driver"
        return f"driver {self.version} serves CUDA {self.cuda}"


def major(version: str) -> int:
    """The first number of a version; 0 where there is none."""
    first = version.partition(".")[0]
    return int(first) if first.isdecimal() else 0


def remedy(kind: str, driver: Driver) -> str:
    """The command that installs builds for a device of this kind."""
    if kind != "cuda":
        return f"make install HEADRACE_BACKEND={kind}"
    if driver.generation >= 13:
        return "make install HEADRACE_BACKEND=cu130"
    if driver.generation == 12:
        return "make install HEADRACE_BACKEND=cu129"
    return f"install NVIDIA's driver {LEAST_DRIVER[13]} or newer, then make install"


def without_gpus(library: str, version: str, kind: str, driver: Driver) -> str:
    """The library was built without support for GPUs."""
    return f"this build of {library} ({version}) has no GPU support: {remedy(kind, driver)}"


def too_new(library: str, built_for: str, driver: Driver) -> str:
    """Why this driver cannot run a library that was built for this version of CUDA; empty where it can."""
    wanted = major(built_for)
    if not driver.version:
        return f"{library} is built for CUDA {built_for}, and {driver}: {remedy('cuda', driver)}"
    if wanted <= driver.generation:
        return ""
    least = LEAST_DRIVER.get(wanted)
    wants = f"wants driver {least} or newer" if least else "wants a newer driver"
    return f"{library} is built for CUDA {built_for}, which {wants}; {driver}: {remedy('cuda', driver)}"


def for_vllm(driver: Driver) -> str:
    """The command that installs vLLM for GPUs, or what stands in its way."""
    if driver.generation >= 13:
        return "make vllm HEADRACE_BACKEND=cu130"
    return f"vLLM for GPUs wants driver {LEAST_DRIVER[13]} or newer, and {driver}: install one, then make vllm"


def first_line(error: BaseException) -> str:
    """An exception in a line: the first that says something, without a full stop at its end."""
    lines = (line.strip() for line in str(error).splitlines())
    return next(filter(None, lines), type(error).__name__).rstrip(".")
