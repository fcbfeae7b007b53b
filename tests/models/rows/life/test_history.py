"""How models were launched: the last of each name, uid and caller, without secrets (``models.rows.life.history``)."""

from dataclasses import replace
from typing import Any

from models.rows import instances
from models.rows.database import Database
from models.rows.instances import NewInstance
from models.rows.life import history

ONE = NewInstance("one", "echo", "LLM", "echo")


def launch(database: Database, uid: str, by: str, **asked: Any) -> None:
    new = replace(ONE, uid=uid)
    body = {"model_name": "echo", "model_uid": uid} | asked if asked else {}
    database.call(lambda c: instances.create(c, new, by, body))
    database.call(instances.delete, uid, by)


def test_the_last_launch_of_each_is_told(database: Database) -> None:
    launch(database, "one", "me", replica=1)
    launch(database, "two", "me", replica=1)
    launch(database, "one", "me", replica=2)
    launch(database, "one", "you", replica=3)
    launch(database, "demo", "")
    told = database.call(history.listing)
    assert [(row.uid, row.by, row.data["launch"]["replica"]) for row in told] == [
        ("one", "you", 3),
        ("one", "me", 2),
        ("two", "me", 1),
    ]
    assert [row.uid for row in database.call(history.listing, "echo", "me")] == ["one", "two"]
    assert database.call(history.listing, "other") == []


def test_neither_secrets_nor_long_values_are_kept() -> None:
    asked = {
        "model_name": "m",
        "api-key": "sk-1",
        "kv_tokens": 512,
        "config": {"HF_TOKEN": "hf_1", "list": [{"password": "x", "n": 1}]},
        "chat_template": "x" * 5000,
    }
    assert history.kept(asked) == {
        "launch": {
            "model_name": "m",
            "api-key": "******",
            "kv_tokens": 512,
            "config": {"HF_TOKEN": "******", "list": [{"password": "******", "n": 1}]},
        },
        "left_out": ["api-key", "chat_template", "config"],
    }
    assert history.kept({}) == {}
    named = {"MY_KEY": "1", "DB_PASS": "2", "X_SECRET": "3", "A_PASSWORD": "4", "HF_TOKEN": "5", "KEYS": "6"}
    assert history.without_secrets(named) == dict.fromkeys(named, "******") | {"KEYS": "6"}


def test_what_is_no_secret_is_kept_and_what_is_one_is_hidden_at_any_depth() -> None:
    plain = {"relevant_token": "yes", "irrelevant_token": "no", "tokenizer_mode": "slow", "source": "hf:a/b@main"}
    assert history.kept(plain) == {"launch": plain, "left_out": []}
    secret = {
        "api_key": {"value": "S", "n": 1, "list": ["S"]},
        "authorization": "Bearer S",
        "HFTOKEN": "S",
        "token_of_hub": "S",
        "index": "https://user:S@host/a",
    }
    assert history.kept(secret) == {
        "launch": {
            "api_key": {"value": "******", "n": 1, "list": ["******"]},
            "authorization": "******",
            "HFTOKEN": "******",
            "token_of_hub": "******",
            "index": "https://******@host/a",
        },
        "left_out": sorted(secret),
    }
