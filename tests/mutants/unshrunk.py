"""A plugin of pytest: the same examples as ever, but Hypothesis does not look for the smallest one that fails."""

from hypothesis import Phase, settings

PROFILE = "unshrunk"

settings.register_profile(
    PROFILE, derandomize=True, deadline=None, database=None, phases=[Phase.explicit, Phase.generate]
)
