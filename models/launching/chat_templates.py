"""What a chat template shows of its model: the tags around its thoughts, and what it describes to the model. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tags:
    """The texts between which a model puts its thoughts."""

    begin: str
    end: str


REASONING_FORMATS = {
    "think": Tags("<think>", "</think>"),
    "mistral": Tags("[THINK]", "[/THINK]"),
    "seed": Tags("<seed:think>", "</seed:think>"),
}


def tags_of(template: str) -> Tags | None:
    """The tags that occur in a chat template; None: its model does not write thoughts."""
    return next((tags for tags in REASONING_FORMATS.values() if tags.end in template), None)


def describes_tools(template: str) -> bool:
    """Whether a chat template describes tools to the model, which was then trained to call them."""
    return "tools" in template
