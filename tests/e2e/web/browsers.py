"""Pages in a real browser: Chromium, without a window. A page says how it went by posting to its own server."""

import contextlib
import functools
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlencode

import msgspec

from models.process.processes import kill_group, spawn

NAMES = ("chromium", "chromium-headless-shell", "google-chrome", "google-chrome-stable", "chrome")
MISSING = "no Chromium is installed"
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--remote-debugging-port=0",  # the headless shell would end at once
    "--host-resolver-rules=MAP *.test 127.0.0.1",
)
SECONDS = 120


class Browser:
    """Chromium, and a server of the files in ``folders``, each under its name. ``*.test`` are names of this machine."""

    def __init__(self, program: str, server: ThreadingHTTPServer, reports: "SimpleQueue[bytes]") -> None:
        self._program = program
        self._reports = reports
        self.port = server.server_port

    def visit(self, host: str, path: str, **query: str) -> dict[str, Any]:
        """Open a page of the server under this name; what the page posts to ``/report``, a JSON object."""
        with self._opened(f"http://{host}:{self.port}/{path}?{urlencode(query)}"):
            report: dict[str, Any] = msgspec.json.decode(self._reports.get(timeout=SECONDS))
            return report

    def dump(self, url: str, seconds: int = 0) -> str:
        """What any URL shows, as HTML, after its scripts have had so many seconds of the browser's own clock."""
        with tempfile.TemporaryDirectory() as profile:
            command = [self._program, *OPTIONS[:-2], OPTIONS[-1], f"--user-data-dir={profile}", "--dump-dom"]
            command += [f"--virtual-time-budget={1000 * seconds}"] * bool(seconds) + [url]
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
        return done.stdout

    @contextlib.contextmanager
    def _opened(self, url: str) -> Iterator[None]:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
            command = [self._program, *OPTIONS, f"--user-data-dir={profile}", url]
            process = spawn(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                yield
            finally:
                kill_group(process.pid)  # the program may be a script, whose end ends no browser
                process.wait(30)


@contextlib.contextmanager
def browser(folders: Mapping[str, Path]) -> Iterator[Browser]:
    """A browser and its server. Raises FileNotFoundError where none is installed."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise FileNotFoundError(MISSING)
    reports: SimpleQueue[bytes] = SimpleQueue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Pages, folders, reports))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Browser(program, server, reports)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Pages(SimpleHTTPRequestHandler):
    def __init__(self, folders: Mapping[str, Path], reports: "SimpleQueue[bytes]", *rest: Any) -> None:
        self._folders = folders
        self._reports = reports
        super().__init__(*rest)

    def translate_path(self, path: str) -> str:
        name, _, rest = path.partition("?")[0].lstrip("/").partition("/")
        return str(self._folders[name] / rest) if name in self._folders and ".." not in rest else ""

    def do_POST(self) -> None:
        """A page reports."""
        self._reports.put(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""
