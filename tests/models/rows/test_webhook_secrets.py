"""The secrets that webhooks are signed with: set, or derived."""

from base64 import b64encode
from pathlib import Path

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook

from models.rows import webhooks
from models.settings import Settings

SECRET = "whsec_" + b64encode(b"a secret of 24 bytes ...").decode()
OLD_SECRET = "whsec_" + b64encode(b"the secret that was before").decode()


def test_the_secret_is_set_or_derived(tmp_path: Path) -> None:
    derived = webhooks.webhook_secret(Settings(home=tmp_path))
    assert derived == webhooks.webhook_secret(Settings(home=tmp_path))
    Webhook(derived)
    given = Settings(home=tmp_path, webhook_secret=SecretStr(f" {SECRET.rstrip('=')} , {OLD_SECRET},"))
    assert webhooks.webhook_secrets(given) == [SECRET, OLD_SECRET]
    assert webhooks.webhook_secret(given) == SECRET


@pytest.mark.parametrize(
    "bad", ["secret", SECRET.removeprefix("whsec_"), "whsec_äöü", "whsec_YQ==", "whsec_" + "A" * 88]
)
def test_a_secret_that_is_none_is_an_error_that_does_not_show_it(tmp_path: Path, bad: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as caught:
        webhooks.webhook_secret(Settings(home=tmp_path, webhook_secret=SecretStr(f"{SECRET},{bad}")))
    assert bad not in str(caught.value)
