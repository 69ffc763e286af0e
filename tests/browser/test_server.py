"""The server: whom it answers, and with what."""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from qwop_wr.browser.recorder import PageRecorder, Verdict
from qwop_wr.browser.server import GameFolder, GameServer, with_script
from qwop_wr.browser.verdict import Comparison, PageRun

SECRET = b"not the game's"
ROW = 90


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    game = tmp_path / "game"
    (game / "assets").mkdir(parents=True)
    (game / "index.html").write_bytes(b"<!doctype html><HEAD lang=en><script src=game.js></script>")
    (game / "game.js").write_bytes(b"game()")
    (game / "assets" / "a b.parcel").write_bytes(b"\x00\x01")
    (game / ".hidden").write_bytes(SECRET)
    (game / ".git").mkdir()
    (game / ".git" / "config").write_bytes(SECRET)
    (tmp_path / "secret.txt").write_bytes(SECRET)
    (tmp_path / "game2").mkdir()
    (tmp_path / "game2" / "secret.txt").write_bytes(SECRET)
    (game / "out").symlink_to(tmp_path / "secret.txt")
    (game / "up").symlink_to(tmp_path)
    (game / "in").symlink_to(game / "game.js")
    return game


def keep(run: PageRun, comparison: Comparison | None) -> Verdict:
    return Verdict(f"{run.ticks} ticks", True)


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def server(folder: Path, lines: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[GameServer]:
    monkeypatch.setattr("qwop_wr.browser.recorder.compare", lambda run: None)
    monkeypatch.setattr("qwop_wr.browser.server._RELOAD_SECONDS", 0.0)
    with GameServer(GameFolder(folder)) as server:
        recorder, listens = PageRecorder(keep, lines.append), threading.Event()
        thread = threading.Thread(
            target=server.serve_page, args=("script()", recorder, listens.set)
        )
        thread.start()
        assert listens.wait(10)
        yield server
        recorder.closed.set()
        thread.join(10)
        assert not thread.is_alive()


def ask(
    server: GameServer,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
    method: str | None = None,
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    wanted = {"Host": f"127.0.0.1:{server.server_port}", **(headers or {})}
    connection.putrequest(
        method or ("GET" if body is None else "POST"),
        path,
        skip_host=True,
        skip_accept_encoding=True,
    )
    for name, value in wanted.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, dict(answer.getheaders())


def post(server: GameServer, what: str, body: bytes | object) -> tuple[int, bytes]:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, answer, _ = ask(server, f"{server.api}/{what}", {"Origin": server.origin}, content)
    return status, answer


def test_it_listens_on_loopback_only(server: GameServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert server.address.startswith(f"http://127.0.0.1:{server.server_port}/{server.token}/")


def test_every_server_has_a_token_of_its_own(folder: Path) -> None:
    with GameServer(GameFolder(folder)) as one, GameServer(GameFolder(folder)) as other:
        assert one.token != other.token
        assert len(one.token) >= 24


def test_the_page_runs_the_script_before_its_own(server: GameServer) -> None:
    status, page, headers = ask(server, f"/{server.token}/index.html")
    assert status == 200
    assert headers["Content-Type"] == "text/html"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    address = f"{server.api}/script.user.js"
    assert page.index(address.encode()) < page.index(b"game.js")
    status, script, headers = ask(server, address)
    assert (status, script) == (200, b"script()")
    assert headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["game.js", "assets/a%20b.parcel", "in"])
def test_files_of_the_folder_are_served(server: GameServer, folder: Path, path: str) -> None:
    status, content, headers = ask(server, f"/{server.token}/{path}")
    assert status == 200
    assert content == (folder / path.replace("%20", " ")).read_bytes()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ask(server, f"/{server.token}/{path}", method="HEAD")[:2] == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "..%2fsecret.txt",
        "%252e%252e/secret.txt",
        "assets/../../secret.txt",
        "assets/%2e%2e/%2e%2e/secret.txt",
        "..%5csecret.txt",
        "../game2/secret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "out",
        "up/secret.txt",
        ".hidden",
        ".git/config",
        "assets",
        "assets/",
        "",
        "no",
        "game.js%00",
        "-/no",
        "a" * 5000,
    ],
)
def test_nothing_else_is_served(server: GameServer, path: str) -> None:
    status, content, _ = ask(server, f"/{server.token}/{path}")
    assert status == 404
    assert SECRET not in content


@pytest.mark.parametrize("path", ["/", "/index.html", "/wrong/index.html", "/wrong/-/page"])
def test_nothing_is_answered_without_the_token(server: GameServer, path: str) -> None:
    assert ask(server, path)[0] == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost:80"},
        {"Host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_foreigners_are_refused(server: GameServer, headers: dict[str, str]) -> None:
    for path in (f"/{server.token}/index.html", f"{server.api}/script.user.js"):
        status, content, _ = ask(server, path, headers)
        assert status == 403
        assert b"script" not in content
    status, _, _ = ask(server, f"{server.api}/note", {"Origin": server.origin, **headers}, b"{}")
    assert status == 403


def test_messages_need_an_origin(server: GameServer, lines: list[str]) -> None:
    assert ask(server, f"{server.api}/note", body=b'{"message": "x"}')[0] == 403
    assert post(server, "note", {"message": "x\x1b[31m\n y"})[0] == 200
    assert lines == ["x[31m y"]


BEGIN = {"platform": "chromium", "checksum": "0" * 16, "userAgent": "Chrome/153.0"}


def test_a_run_is_received(server: GameServer, lines: list[str]) -> None:
    rows = np.zeros((5, ROW))
    rows[:, 0] = [0, 1, 2, 15, 0]
    assert post(server, "begin", {**BEGIN, "platform": "unknown"})[0] == 200
    assert post(server, "ticks", rows[:2].tobytes())[0] == 200
    assert post(server, "ticks", rows[2:].tobytes())[0] == 200
    status, answer = post(server, "end", {"reason": "ended", "text": ""})
    assert (status, json.loads(answer)) == (200, {"words": "4 ticks", "good": True})
    assert lines == ["4 ticks"]


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("begin", {**BEGIN, "platform": "moon"}),
        ("begin", {**BEGIN, "checksum": 7}),
        ("begin", b"not json"),
        ("begin", [1]),
        ("ticks", b""),
        ("ticks", b"\0" * 7),
        ("ticks", np.full((1, ROW), np.nan).tobytes()),
        ("ticks", np.full((1, ROW), 16.0).tobytes()),
        ("ticks", np.full((1, ROW), 0.5).tobytes()),
        ("end", {"reason": "ended", "text": ""}),
    ],
)
def test_what_is_no_run_is_refused(
    server: GameServer, lines: list[str], what: str, body: bytes | object
) -> None:
    if what == "ticks":
        post(server, "begin", {**BEGIN, "platform": "unknown"})
    status, _ = post(server, what, body)
    assert status == 400
    assert lines == []


def test_long_messages_are_refused(server: GameServer) -> None:
    headers = {"Origin": server.origin, "Content-Length": str(2**24)}
    assert ask(server, f"{server.api}/ticks", headers, method="POST")[0] == 413


def test_a_port_in_use(folder: Path) -> None:
    with GameServer(GameFolder(folder)) as server, pytest.raises(OSError, match="in use"):
        GameServer(GameFolder(folder), server.server_port)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b"<head><x>", b"<head>S<x>"),
        (b"<!DOCTYPE html>\n<HEAD a=b>", b"<!DOCTYPE html>\n<HEAD a=b>S"),
        (b"<html><header>", b"<html>S<header>"),
        (b"<!doctype html><p>", b"<!doctype html>S<p>"),
        (b"<p>", b"S<p>"),
    ],
)
def test_where_the_script_is_put(page: bytes, expected: bytes) -> None:
    assert with_script(page, "/s") == expected.replace(b"S", b'<script src="/s"></script>')


def test_which_page_is_meant(tmp_path: Path) -> None:
    (tmp_path / "a.html").touch()
    assert GameFolder(tmp_path).page == "a.html"
    (tmp_path / "b.html").touch()
    with pytest.raises(ValueError, match="several pages"):
        GameFolder(tmp_path)
    assert GameFolder(tmp_path / "b.html").page == "b.html"
    (tmp_path / "Athletics.html").touch()
    assert GameFolder(tmp_path).page == "Athletics.html"


def test_folders_without_a_page(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no page"):
        GameFolder(tmp_path)
    with pytest.raises(ValueError, match="there is no such folder"):
        GameFolder(tmp_path / "no")
