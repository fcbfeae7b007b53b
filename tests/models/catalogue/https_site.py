"""An https server of a folder, with a certificate of its own."""

import http.server
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/down":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/x")
            self.end_headers()
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/new.jsonl")
            self.end_headers()
        else:
            super().do_GET()


@contextmanager
def served(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serves ``tmp_path/site``: its address, and the certificate to be trusted (``SSL_CERT_FILE``).

    ``/moved`` leads to ``/new.jsonl``, ``/down`` to an address without TLS.
    """
    key, certificate, folder = tmp_path / "key.pem", tmp_path / "cert.pem", tmp_path / "site"
    folder.mkdir()
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), *names]
    made += ["-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", certificate
    server.shutdown()
    server.server_close()
