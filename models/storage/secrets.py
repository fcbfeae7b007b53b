"""The installation's one secret, and the keys that are derived from it for each purpose."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from models.settings import Settings


def derived(settings: Settings, purpose: str) -> bytes:
    """A key of 32 bytes for this purpose alone, the same in every process of the installation (RFC 5869, expand)."""
    return hmac.new(_master(settings), purpose.encode() + b"\x01", hashlib.sha256).digest()


def _master(settings: Settings) -> bytes:
    given = settings.secret_key.get_secret_value()
    return given.encode() if given else _kept(settings.home / "secret")


def _kept(path: Path) -> bytes:
    """The secret in this file, which is made when it is first needed. It gets its name once it is complete."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
        try:
            os.link(draft, path)  # fails if another process was first
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return path.read_bytes()
