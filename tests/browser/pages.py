"""Fixtures of a browser, the stand-in page, and a server for both.

They need Playwright, so the modules that can do without it do not import them.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, Page

from qwop_wr.browser import recorder, script, server, verdict
from qwop_wr.browser.recorder import Keeper, PageRecorder
from qwop_wr.browser.script import Content, sine_checksums, user_script
from qwop_wr.browser.server import GameFolder, GameServer
from tests.browser.toy import toy_replayed, write_page
from tests.chromium import chromium

ASSETS = Path(script.__file__).parent / "assets"


def asset(name: str) -> str:
    """Source of a part of the script."""
    return (ASSETS / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def own_checksum(browser: Browser) -> str:
    """Checksum of the sine of the browser at hand, whichever it is."""
    page = browser.new_page()
    probe = "{probe: {arguments: 65536, span: 20}}"
    checksum: str = page.evaluate(
        f"(() => {{ const SCRIPT = {probe}; {asset('sine.js')} "
        "return sineChecksum(Math.sin, Math.cos); })()"
    )
    page.close()
    return checksum


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, own_checksum: str) -> None:
    """The toy world in the engine's place; the browser at hand counts as ``chromium``."""
    for module in (script, recorder, verdict):
        monkeypatch.setattr(module, "replayed", toy_replayed)
    checksums = {**sine_checksums(), "chromium": own_checksum}
    monkeypatch.setattr(script, "sine_checksums", lambda: checksums)
    monkeypatch.setattr(script, "_PATIENCE_MS", 300)
    monkeypatch.setattr(server, "_RELOAD_SECONDS", 0.3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the stand-in page."""
    return write_page(tmp_path / "game")


@dataclass
class Visit:
    """A page that is served, and what comes of it."""

    page: Page
    server: GameServer
    recorder: PageRecorder
    lines: list[str]
    thread: threading.Thread

    def overlay(self, line: str) -> str:
        """Text of a line of the card in the page."""
        return read_overlay(self.page, line)

    def wait_for(self, line: str, text: str) -> None:
        """Wait until a line of the card has a text in it."""
        wait_for_overlay(self.page, line, text)

    def begin(self) -> None:
        """Click the intro away, as a person does."""
        self.wait_for("state", "a click on the game begins")
        self.page.mouse.click(100, 100)
        self.wait_for("state", "R begins anew")

    def wait_for_refusal(self) -> str:
        """Wait until the recorder knows why the page did not play."""
        while not self.recorder.refusals:
            self.page.wait_for_timeout(20)
        return self.recorder.refusals[0]


def read_overlay(page: Page, line: str) -> str:
    text: str = page.evaluate(
        "line => document.querySelector('qwop-overlay').shadowRoot"
        ".querySelector(`.${line}`).textContent",
        line,
    )
    return text


def wait_for_overlay(page: Page, line: str, text: str) -> None:
    page.wait_for_function(
        "([line, text]) => document.querySelector('qwop-overlay')?.shadowRoot"
        ".querySelector(`.${line}`).textContent.includes(text)",
        arg=[line, text],
    )


MakeKeeper = Callable[[GameServer, list[str]], Keeper]


class Visitor(Protocol):
    """Serves a folder's page with a script and opens it."""

    def __call__(
        self, content: Content, make_keeper: MakeKeeper, shim: str | None = None
    ) -> Visit: ...


@contextmanager
def visits(browser: Browser, folder: Path) -> Iterator[Visitor]:
    """Serve a page to the browser, as often as asked; all are closed at the end."""
    made: list[Visit] = []

    def visit(content: Content, make_keeper: MakeKeeper, shim: str | None = None) -> Visit:
        lines: list[str] = []
        served = GameServer(GameFolder(folder))
        listener = PageRecorder(make_keeper(served, lines), lines.append, shim)
        text = user_script(content, served.api, shim)
        listens = threading.Event()
        thread = threading.Thread(
            target=served.serve_page, args=(text, listener, listens.set), daemon=True
        )
        thread.start()
        assert listens.wait(10)
        page = browser.new_context().new_page()
        page.goto(served.address)
        made.append(Visit(page, served, listener, lines, thread))
        return made[-1]

    yield visit
    for one in made:
        one.page.context.close()
        one.thread.join(20)
        assert not one.thread.is_alive()


@pytest.fixture
def visit(browser: Browser, toy: None, folder: Path) -> Iterator[Visitor]:
    """Serve the stand-in page and open it."""
    with visits(browser, folder) as visitor:
        yield visitor
