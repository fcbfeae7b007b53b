"""Bodies with any value in any field, sent to a real server."""

from typing import Any

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

RELAXED = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def any_value_in_any_field(url: str, path: str, base: dict[str, Any], fields: set[str]) -> None:
    """Every answer is a success or a 400 that names one of the fields. ``base`` is a valid body."""
    names = sorted(fields - {"model"})
    with httpx.Client(base_url=url, timeout=30) as http:

        @RELAXED
        @given(st.dictionaries(st.sampled_from(names), JSON, min_size=1, max_size=4))
        def attempt(changes: dict[str, Any]) -> None:
            answer = http.post(path, json=base | changes)
            assert answer.status_code in (200, 400), answer.text
            if answer.status_code == 400:
                error = answer.json()["error"]
                param = error.get("details", error)["param"]
                assert param is None or param.split(".")[0].split("[")[0] in names

        attempt()
