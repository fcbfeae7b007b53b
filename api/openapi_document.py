"""The OpenAPI document as a file, from which the web UI's client is made: ``python -m api.openapi_document``."""

import json
from pathlib import Path

from api.app import create_app
from models.settings import Settings

FILE = Path(__file__).parent / "ui" / "openapi.json"


def document() -> str:
    """The document as it is kept: its keys sorted, without the version of a release."""
    described = create_app(Settings()).openapi()
    whole = {**described, "info": {**described["info"], "version": "1"}}
    return json.dumps(whole, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(document(), encoding="utf-8")
