"""A session over HTTP: begun with a key, counting for our own pages, ended, and bounded against guessing."""

import httpx
import pytest

from api.edge.session import ATTEMPTS
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e

OWN = {"sec-fetch-site": "same-origin"}


def begin(http: httpx.Client, key: object, **headers: str) -> httpx.Response:
    return http.post("/v1/session", json={"key": key}, headers=OWN | headers)


def test_a_session_is_begun_used_and_ended(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_API_KEY="user", HEADRACE_ADMIN_KEY="root")
    with httpx.Client(base_url=stack.url) as http:
        assert http.get("/v1/session").json() == {"needs_key": True, "scopes": [], "ends_at": None, "id": None}
        assert http.get("/v1/models").status_code == 401
        begun = begin(http, "user")
        state = begun.json()
        assert state == {"needs_key": True, "scopes": ["infer"], "ends_at": state["ends_at"], "id": state["id"]}
        assert begin(http, "user").json()["id"] == state["id"]
        begun = begin(http, "user")
        assert begun.headers["cache-control"] == "no-store"
        told = begun.headers["set-cookie"].lower()
        assert "httponly" in told
        assert "samesite=strict" in told
        assert "secure" not in told
        assert "user" not in told
        assert http.get("/v1/session").json() == begun.json()
        assert http.get("/v1/models").status_code == 200
        assert http.get("/v1/jobs", headers=OWN).status_code == 200
        assert http.get("/v1/models", headers={"sec-fetch-site": "cross-site"}).status_code == 401
        assert http.delete("/v1/models/x").status_code == 401  # no browser sends this without saying from where
        assert http.delete("/v1/models/x", headers=OWN).status_code == 403
        over_tls = begin(http, "user", origin=stack.url.replace("http:", "https:"))
        assert "secure" in over_tls.headers["set-cookie"].lower()
        root = begin(http, "root").json()
        assert (root["scopes"], len(root["id"])) == (["admin", "infer"], 16)
        assert root["id"] != state["id"]
        assert http.delete("/v1/models/x", headers=OWN).status_code == 404
        assert http.delete("/v1/session", headers=OWN).json()["scopes"] == []
        assert http.get("/v1/models").status_code == 401
        wrongs: list[object] = [{}, {"key": ""}, {"key": 1}, {"key": "x" * 2000}, [], {"key": None}]
        for wrong in wrongs:
            refused = http.post("/v1/session", json=wrong)
            assert refused.status_code == 400, wrong
            assert "x" * 100 not in refused.text
        for _ in range(ATTEMPTS):
            assert begin(http, "wrong").status_code == 401
        refused = begin(http, "user")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert 1 <= int(refused.headers["retry-after"]) <= 61


def test_without_keys_there_is_nothing_to_begin(stack: Stack) -> None:
    with httpx.Client(base_url=stack.url) as http:
        state = {"needs_key": False, "scopes": ["admin", "infer"], "ends_at": None, "id": None}
        assert http.get("/v1/session").json() == state
        begun = begin(http, "any")
        assert (begun.json(), "set-cookie" in begun.headers) == (state, False)
