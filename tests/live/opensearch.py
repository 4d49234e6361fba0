"""A stand-in for OpenSearch, which is in no registry of packages: the few verbs that DIRAC's JobParametersDB uses."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.live.children import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

Indices = dict[str, dict[str, Any]]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    indices: Indices

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        status, answer = self._route(urlsplit(self.path).path.strip("/").split("/"), body)
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_GET = do_HEAD = do_PUT = do_POST = _answer

    def _route(self, path: list[str], body: Any) -> tuple[int, Any]:  # noqa: PLR0911 - one for each verb
        match self.command, path:
            case _, [""]:
                return HTTPStatus.OK, {"version": {"number": "2.11.0", "distribution": "opensearch"}}
            case _, ["_index_template", *_]:
                return HTTPStatus.OK, {"acknowledged": True}
            case "HEAD", [index]:
                return (HTTPStatus.OK if index in self.indices else HTTPStatus.NOT_FOUND), {}
            case "PUT", [index]:
                self.indices.setdefault(index, {})
                return HTTPStatus.OK, {"acknowledged": True, "index": index}
            case "GET" | "HEAD", [index, "_doc", name]:
                document = self.indices.get(index, {}).get(name)
                status = HTTPStatus.NOT_FOUND if document is None else HTTPStatus.OK
                return status, {"_id": name, "found": document is not None, "_source": document}
            case _, [index, "_doc", name]:
                self.indices.setdefault(index, {})[name] = body
                return HTTPStatus.CREATED, {"_index": index, "_id": name, "result": "created"}
            case _, [index, "_update", name]:
                self.indices[index][name].update(body["doc"])
                return HTTPStatus.OK, {"_index": index, "result": "updated"}
        return HTTPStatus.NOT_FOUND, {"error": f"{self.command} {self.path} is not known to the stand-in"}


@contextmanager
def opensearch(port: int) -> Iterator[Indices]:
    """Serve on a port of the loopback for a ``with`` block; the value has the documents by index and ID."""
    indices: Indices = {}
    handler = type("Handler", (_Handler,), {"indices": indices})
    with ThreadingHTTPServer((LOOPBACK, port), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield indices
        finally:
            server.shutdown()
            thread.join()
