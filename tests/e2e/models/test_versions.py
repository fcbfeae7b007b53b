"""A newer catalogue, taken by command beside a gateway that runs."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.engines import MODEL_TYPES
from tests.e2e.conftest import StackFactory
from tests.e2e.stack import Stack, clean_environment
from tests.models.catalogue.https_site import served

pytestmark = pytest.mark.e2e


def catalogue(stack: Stack, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "api.cli", "catalogue", *words]
    env = {**clean_environment(), "HEADRACE_HOME": str(stack.home)}
    return subprocess.run(command, env=env, text=True, capture_output=True, check=False, timeout=60)


def names(stack: Stack) -> list[str]:
    listed = httpx.get(f"{stack.url}/v1/model_registrations/embedding").json()
    return [one["model_name"] for one in listed]


def test_a_gateway_that_runs_uses_a_newer_catalogue_at_once(new_stack: StackFactory, tmp_path: Path) -> None:
    stack, file = new_stack(), tmp_path / "newer.jsonl"
    assert "bge-m3" in names(stack)
    assert catalogue(stack).stdout.startswith("in use: the shipped catalogue, ")
    spec = {"format": "ct2", "hf": {"repo": "a/b"}}
    file.write_text("\n".join(json.dumps({"name": f"new-{one}", "type": one, "specs": [spec]}) for one in MODEL_TYPES))

    done = catalogue(stack, "update", str(file))

    assert (done.returncode, ", 6 families" in done.stdout) == (0, True), done.stderr
    assert names(stack) == ["minilm", "new-embedding"]
    file.write_text(file.read_text() + "\n{")
    broken = catalogue(stack, "update", str(file))
    assert (broken.returncode, broken.stderr.startswith("headrace: line 7 is no entry")) == (1, True), broken.stderr
    assert names(stack) == ["minilm", "new-embedding"]
    assert catalogue(stack, "rollback").returncode == 0
    assert "bge-m3" in names(stack)
    refused = catalogue(stack, "update", "http://127.0.0.1:9/x")
    assert (refused.returncode, "https alone" in refused.stderr) == (1, True)
    missing = catalogue(stack, "update", str(tmp_path / "nothing"))
    assert (missing.returncode, "Traceback" in missing.stderr) == (1, False)


def test_an_administrator_takes_a_newer_catalogue_over_http(new_stack: StackFactory, tmp_path: Path) -> None:
    with served(tmp_path) as (address, certificate):
        stack, file = new_stack(SSL_CERT_FILE=str(certificate)), tmp_path / "site" / "new.jsonl"
        url = f"{stack.url}/v1/catalogue_versions"
        spec = {"format": "ct2", "hf": {"repo": "a/b"}}
        entries: list[dict[str, Any]] = [{"name": f"new-{one}", "type": one, "specs": [spec]} for one in MODEL_TYPES]
        file.write_text("\n".join(map(json.dumps, entries)))
        shipped = httpx.get(url).json()
        assert (shipped["origin"], shipped["place"], shipped["has_former"]) == ("shipped", None, False)
        answer = httpx.post(url, json={"place": f"{address}/new.jsonl"}, timeout=60)
        assert answer.status_code == 200, answer.text
        done = answer.json()
        assert (done["origin"], done["families"], done["place"]) == ("newer", 6, f"{address}/new.jsonl")
        assert done["added"] == {"count": 6, "names": sorted(one["name"] for one in entries)}
        assert (done["removed"]["count"], len(done["removed"]["names"])) == (shipped["families"], 200)
        assert httpx.get(url).json()["version"] == done["version"] != shipped["version"]
        assert names(stack) == ["minilm", "new-embedding"]
        entries[0]["context"] = 4096
        file.write_text("\n".join(map(json.dumps, entries)))
        again = httpx.post(url, json={"place": str(file)}, timeout=60).json()
        assert again["changed"] == {"count": 1, "names": ["new-LLM"]}
        assert (again["added"]["count"], again["removed"]["count"]) == (0, 0)
        file.write_text(file.read_text() + "\n{")
        for place, status, words in (
            (str(file), 400, "nothing was changed, since line 7"),
            ("no/root", 400, "from the root on"),
            (str(tmp_path / "none"), 400, "No such file"),
            (f"{tmp_path!s}\0", 400, "cannot be read"),
            ("http://127.0.0.1:9/x", 400, "https alone"),
            (f"{address}/none", 503, "404"),
        ):
            refused = httpx.post(url, json={"place": place}, timeout=60)
            assert (refused.status_code, words in refused.text) == (status, True), refused.text
            assert status == 503 or refused.json()["error"]["param"] == "place"
        assert names(stack) == ["minilm", "new-embedding"], "nothing changed"
        back = httpx.post(f"{url}/rollback", timeout=60).json()
        assert (back["families"], back["changed"]["names"]) == (6, ["new-LLM"])


def test_offline_a_catalogue_is_read_from_a_path_alone(new_stack: StackFactory) -> None:
    stack = new_stack(HEADRACE_OFFLINE="true")
    url = f"{stack.url}/v1/catalogue_versions"
    refused = httpx.post(url, json={"place": "https://example.com/x"}, timeout=60)
    assert (refused.status_code, "HEADRACE_OFFLINE" in refused.text) == (400, True), refused.text
    assert httpx.post(f"{url}/rollback", timeout=60).status_code == 400
