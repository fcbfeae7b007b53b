"""What a launch says of weights that bring code of their own, where nobody has said that it may run."""

from models.errors import InvalidRequest


def foreign_code(what: str) -> InvalidRequest:
    """The refusal of code, and what is to be done; ``what`` names it."""
    return InvalidRequest(
        f"these weights bring code of their own ({what}), which is not run: an administrator may set "
        "HEADRACE_TRUST_REMOTE_CODE, and the launch trust_remote_code",
        param="trust_remote_code",
    )
