"""The page that documents the API: Swagger UI, whose files come with a package, so that it needs no internet."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(include_in_schema=False)

FILES = Path(str(files("fastapi_offline") / "static"))
"""Swagger UI as its authors build it."""


@router.get("/docs")
async def page() -> HTMLResponse:
    """The page; it reads ``/openapi.json``. Its addresses are relative, so it works under any prefix of a proxy."""
    return get_swagger_ui_html(
        openapi_url="openapi.json",
        title="Headrace",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="data:,",
        swagger_ui_parameters={"validatorUrl": None},  # else it asks a server on the internet
    )


@router.get("/docs/{name}")
async def file(name: Literal["swagger-ui-bundle.js", "swagger-ui.css"]) -> FileResponse:
    """A file of the page."""
    return FileResponse(FILES / name, headers={"Cache-Control": "max-age=3600"})
