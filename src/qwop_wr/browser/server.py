"""A server on this machine that gives the user's copy of the game to the user's browser."""

import hashlib
import hmac
import json
import os
import re
import secrets
import select
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from qwop_wr.browser.recorder import PageRecorder

HOST: Final = "127.0.0.1"
PAGE_NAMES: Final = ("Athletics.html", "index.html")
"""Pages that are taken first where a folder holds several."""

_API: Final = "-"
"""First part of the addresses that are not the game's."""
_SCRIPT: Final = f"{_API}/script.user.js"
_MAX_MESSAGE: Final = 1024 * 1024
"""Longest message of a page [bytes]."""
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLL_SECONDS: Final = 0.5
_RELOAD_SECONDS: Final = 3.0
"""A page that is back within this time was only reloaded [s]."""
_END_SECONDS: Final = 60.0
"""Most time that the end waits for a run to be kept while the engine is compiled [s]."""


class GameFolder:
    """The user's copy of the game.

    Args:
        path: The folder, or the page in it.

    Attributes:
        root: The folder, as the file system resolves it.
        page: Name of the page.

    Raises:
        ValueError: If there is no page, or it is unclear which one it is.
    """

    def __init__(self, path: Path) -> None:
        if path.is_file():
            self.root, self.page = path.resolve().parent, path.name
            return
        if not path.is_dir():
            raise ValueError(f"{path}: there is no such folder; it must hold a copy of the game")
        self.root = path.resolve()
        pages = sorted(one.name for one in path.glob("*.htm*") if one.is_file())
        if not pages:
            raise ValueError(
                f"{path}: holds no page (*.html); the folder must hold a copy of the game: page, "
                "script and assets"
            )
        preferred = [name for name in PAGE_NAMES if name in pages]
        if not preferred and len(pages) > 1:
            raise ValueError(f"{path}: holds several pages ({', '.join(pages)}); name one of them")
        self.page = (preferred or pages)[0]

    def file(self, relative: str) -> Path | None:
        """Finds a file that may be served.

        Args:
            relative: Its path in the folder, decoded, parts separated by ``/``.

        Returns:
            The file; None unless it is a plain file in the folder and not hidden.
        """
        parts = relative.split("/")
        if any(part.startswith(".") or not part for part in parts) or re.search(
            r"[\\:\x00]", relative
        ):
            return None
        try:
            path = self.root.joinpath(*parts).resolve()
            is_inside = path.is_relative_to(self.root) and path.is_file()
        except (OSError, RuntimeError):
            return None
        return path if is_inside else None


class GameServer(ThreadingHTTPServer):
    """Serves one folder to one page at a time, on the loopback interface only.

    Args:
        folder: The user's copy.
        port: Port to listen at; 0 for a free one.

    Attributes:
        token: Part of every address; nothing is answered without it.
        served: SHA-256 of the files that were given to the page, by path.

    Raises:
        OSError: If the port cannot be used.
    """

    daemon_threads = True
    # On Windows a second server could take the port over.
    allow_reuse_address = os.name == "posix"

    def __init__(self, folder: GameFolder, port: int = 0) -> None:
        self.folder = folder
        self.token = secrets.token_urlsafe(18)
        self.served: dict[str, str] = {}
        self.script = b""
        self.recorder: PageRecorder | None = None
        self.stopping = threading.Event()
        super().__init__((HOST, port), _Handler)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://{HOST}:{self.server_port}"

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"{self.origin}/{self.token}/{self.folder.page}"

    @property
    def api(self) -> str:
        """Path below which the page's script talks to the recorder."""
        return f"/{self.token}/{_API}"

    def serve_page(self, script: str, recorder: PageRecorder, opened: Callable[[], None]) -> None:
        """Serves until the page is closed.

        Args:
            script: The script to put into the page.
            recorder: Receives what the page sends.
            opened: Called when the server listens; opens the browser.

        Raises:
            KeyboardInterrupt: If it was interrupted; the server has ended then.
        """
        self.script, self.recorder = script.encode(), recorder
        thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            opened()
            while True:
                recorder.closed.wait()
                self.stopping.wait(_RELOAD_SECONDS)
                if recorder.closed.is_set():
                    return
        finally:
            self.stopping.set()
            # A run that was cut short is still judged and kept.
            if recorder.has_page:
                recorder.closed.wait(_END_SECONDS)
            self.shutdown()
            self.server_close()
            thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the library's
        """Stays silent when a browser breaks a connection off."""


class _Refusal(Exception):  # noqa: N818 - an answer, not an error
    """A request that is answered with nothing but a status."""

    def __init__(self, status: HTTPStatus, words: str = "") -> None:
        super().__init__(words)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    server: GameServer
    server_version = "qwop"
    sys_version = ""
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - the library's
        """Writes no log."""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_HEAD(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def _answer(self, method: Callable[[str], None]) -> None:
        try:
            method(self._checked_path())
        except _Refusal as refusal:
            self._send(refusal.status, str(refusal).encode(), "text/plain; charset=utf-8")

    def _checked_path(self) -> str:
        """Returns the decoded path after the token; refuses requests that are not our page's."""
        hosts = self.headers.get_all("Host") or []
        if hosts != [f"{HOST}:{self.server.server_port}"]:
            raise _Refusal(HTTPStatus.FORBIDDEN, "foreign host")
        if self.headers.get("Origin", self.server.origin) != self.server.origin:
            raise _Refusal(HTTPStatus.FORBIDDEN, "foreign origin")
        if self.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            raise _Refusal(HTTPStatus.FORBIDDEN, "foreign site")
        first, _, rest = urlsplit(self.path).path.removeprefix("/").partition("/")
        if not hmac.compare_digest(first.encode(), self.server.token.encode()):
            raise _Refusal(HTTPStatus.NOT_FOUND)
        return unquote(rest)

    def _get(self, path: str) -> None:
        if path == f"{_API}/page" and self.command == "GET":
            self._hold_page()
            return
        if path == _SCRIPT:
            self._send(HTTPStatus.OK, self.server.script, "text/javascript; charset=utf-8")
            return
        file = self.server.folder.file(path)
        if file is None:
            raise _Refusal(HTTPStatus.NOT_FOUND)
        try:
            content = file.read_bytes()
        except OSError:
            raise _Refusal(HTTPStatus.NOT_FOUND) from None
        self.server.served[path] = hashlib.sha256(content).hexdigest()
        kind = guess_type(file.name)[0] or "application/octet-stream"
        if path == self.server.folder.page:
            content = with_script(content, f"/{self.server.token}/{_SCRIPT}")
        self._send(HTTPStatus.OK, content, kind)

    def _hold_page(self) -> None:
        """Keeps the connection, which shows that the page is open, until the page closes it."""
        recorder = self._recorder
        if not recorder.open_page():
            raise _Refusal(HTTPStatus.CONFLICT, "another page plays already; close one of the two")
        try:
            self._send(HTTPStatus.OK, b"\n", "text/plain", length=False)
            self.wfile.flush()
            while not self.server.stopping.is_set():
                readable, _, _ = select.select([self.connection], [], [], _POLL_SECONDS)
                if readable and not self.connection.recv(1):
                    break
        except OSError:
            pass
        finally:
            recorder.close_page()

    def _post(self, path: str) -> None:
        if "Origin" not in self.headers:
            raise _Refusal(HTTPStatus.FORBIDDEN, "no origin")
        content = self._body()
        recorder = self._recorder
        try:
            if path == f"{_API}/ticks":
                recorder.add_ticks(content)
                answer: Mapping[str, Any] = {}
            elif path == f"{_API}/begin":
                recorder.begin(_message(content))
                answer = {}
            elif path == f"{_API}/note":
                recorder.note(_message(content))
                answer = {}
            elif path == f"{_API}/end":
                answer = recorder.end(_message(content))._asdict()
            else:
                raise _Refusal(HTTPStatus.NOT_FOUND)
        except ValueError as error:
            raise _Refusal(HTTPStatus.BAD_REQUEST, str(error)) from error
        self._send(HTTPStatus.OK, json.dumps(answer).encode(), "application/json")

    @property
    def _recorder(self) -> PageRecorder:
        assert self.server.recorder is not None  # noqa: S101 - set before it serves
        return self.server.recorder

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,9}", length):
            raise _Refusal(HTTPStatus.LENGTH_REQUIRED)
        if int(length) > _MAX_MESSAGE:
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return self.rfile.read(int(length))

    def _send(self, status: HTTPStatus, content: bytes, kind: str, length: bool = True) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length:
            self.send_header("Content-Length", str(len(content)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def with_script(page: bytes, address: str) -> bytes:
    """Returns a page with a script, given by address, at the beginning of its head."""
    tag = f'<script src="{address}"></script>'.encode()
    for pattern in (rb"<head(\s[^>]*)?>", rb"<html(\s[^>]*)?>", rb"<!doctype[^>]*>"):
        if found := re.search(pattern, page, re.IGNORECASE):
            return page[: found.end()] + tag + page[found.end() :]
    return tag + page


def _message(content: bytes) -> Mapping[str, Any]:
    message = json.loads(content)
    if not isinstance(message, dict):
        raise ValueError("a message must be a JSON object")
    return message
