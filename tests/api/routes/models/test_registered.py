"""What keys of users are told of models that are registered (``api.routes.models.registered``)."""

from typing import Any

import msgspec

from api.routes.models.registered import own_of
from models.catalogue.registering.families import in_own_form, registered
from models.catalogue.registering.given import GivenModel
from models.rows.records import RegistrationRow

GIVEN: dict[str, Any] = {
    "model_name": "m1",
    "model_uri": "/srv/private/x",
    "model_format": "pytorch",
    "hf_token": "hf_S",
    "nobody_knows": {"this": 1},
    "virtualenv": {"packages": ["x"], "index_url": "https://user:pw@pypi.corp/simple"},
    "default_model_config": {"auth_token": "S", "steps": 4},
    "chat_template": "{{ messages }}",
}


def row() -> RegistrationRow:
    made = registered(GivenModel.model_validate(GIVEN), GIVEN, "LLM", None)
    return RegistrationRow("m1", "LLM", msgspec.to_builtins(made.family), dict(made.given), 0)


def test_no_secret_is_told_and_nothing_that_has_no_effect() -> None:
    told = dict[str, Any](own_of(row(), paths=True))
    assert not {"hf_token", "nobody_knows", "virtualenv"} & told.keys()
    assert told["default_model_config"] == {"auth_token": "******", "steps": 4}
    assert (told["chat_template"], told["is_builtin"]) == ("{{ messages }}", False)
    assert (told["model_uri"], told["model_specs"][0]["model_uri"]) == ("/srv/private/x", "/srv/private/x")


def test_paths_are_for_administrators() -> None:
    told = dict[str, Any](own_of(row(), paths=False))
    assert "/srv" not in str(told)
    assert (told["model_specs"][0]["model_format"], told["chat_template"]) == ("pytorch", "{{ messages }}")
    options = {"llama_cpp": {"mmproj": "/srv/p.gguf"}}
    own = {"name": "m2", "specs": [{"format": "ggufv2", "uri": "/srv/m.gguf"}], "options": options}
    family = msgspec.to_builtins(in_own_form(own, "LLM").family)
    assert "/srv" not in str(own_of(RegistrationRow("m2", "LLM", family, own, 0), paths=False))
