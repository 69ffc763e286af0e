"""The player in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qwop_wr.simulator.tape import Tape
from qwop_wr.viewer import render_player, shoot_film

pytest.importorskip("playwright", reason="needs Playwright: pip install -e '.[dev]'")

from playwright.sync_api import Browser

from tests.chromium import PlayerPage, chromium

pytestmark = pytest.mark.slow

EVIL = "<img src=x onerror=\"document.title='broken'\">"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, finish: Tape, fall: Tape) -> str:
    """A page with two runs, the second with a strange name."""
    player = render_player([shoot_film(finish, "Record"), shoot_film(fall, EVIL, EVIL)])
    page = Path(tmp_path_factory.mktemp("player")) / "page.html"
    page.write_text(
        f"<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>player</title><style>body {{ margin: 0 }} {player.style}</style>"
        f"{player.markup}<script>{player.script}</script>"
    )
    return page.as_uri()


def opened(browser: Browser, url: str, **settings: Any) -> PlayerPage:
    """Open the page; what goes wrong in it fails the test."""
    settings = {"reduced_motion": "reduce", **settings}
    page = browser.new_context(**settings).new_page()

    def fail(error: object) -> None:
        raise AssertionError(f"the page failed: {error}")

    page.on("pageerror", fail)
    page.goto(url)
    return PlayerPage(page)


@pytest.fixture
def player(browser: Browser, url: str) -> Iterator[PlayerPage]:
    player = opened(browser, url)
    yield player
    player.page.context.close()


def test_the_final_frame_is_the_tapes(player: PlayerPage, finish: Tape, fall: Tape) -> None:
    for number, tape in (("1", finish), ("2", fall)):
        player.press(number, "End")
        assert player.read("clock") == f"{tape.score_time:.2f} s"
        assert player.read("distance") == f"{tape.distance:.1f} m"
        assert player.tick == tape.ticks
    player.press("Home")
    assert player.read("clock") == "0.03 s"


def test_ticks_are_stepped_one_by_one(player: PlayerPage) -> None:
    player.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft")
    assert player.tick == 2
    player.press("Shift+ArrowRight")
    assert player.tick == 32
    player.click("on")
    player.click("on")
    player.click("back")
    assert player.tick == 33
    assert player.read("clock") == f"{34 / 30:.2f} s"
    player.press("Home", "ArrowLeft")
    assert player.tick == 0


def test_scrubbing_shows_that_moment(player: PlayerPage, finish: Tape) -> None:
    player.scrub(600)
    assert player.read("clock") == f"{601 / 30:.2f} s"
    player.page.click(player.part("curve"))
    assert player.tick == pytest.approx(finish.ticks / 2, abs=1)


def test_keys_light_up_when_they_are_held(player: PlayerPage, finish: Tape) -> None:
    keys = finish.per_tick_keys
    held = next(tick for tick in range(100, 400) if keys[tick] & 1 and keys[tick] & 8)
    free = next(tick for tick in range(100, 400) if not keys[tick] & 1)
    # A place inside of Q's cap but beside its letter.
    width = player.page.locator(player.part("stage")).bounding_box()
    assert width is not None
    scale = min(1.0, max(0.5, width["width"] / 860))
    spot = ((18 + 8) * scale / width["width"], (18 + 30) * scale / width["height"])
    player.scrub(held)
    pressed = player.pixel(*spot)
    player.scrub(free)
    raised = player.pixel(*spot)
    assert pressed[:3] == [255, 196, 43]
    assert raised[:3] == [246, 246, 248]


def test_plays_pauses_and_plays_again(player: PlayerPage) -> None:
    player.press(" ")
    player.page.wait_for_function("document.querySelector('[data-role=scrub]').value > 3")
    assert player.page.get_attribute(player.part("play"), "aria-label") == "Pause"
    player.click("play")
    stopped = player.tick
    player.page.wait_for_timeout(150)
    assert player.tick == stopped
    player.press("End")
    player.click("play")
    player.page.wait_for_function("document.querySelector('[data-role=scrub]').value < 600")


def test_speed_has_its_keys(player: PlayerPage) -> None:
    player.press("-", "-")
    assert player.page.input_value(player.part("rate")) == "0.25"
    player.press("-", "-", "-")
    assert player.page.input_value(player.part("rate")) == "0.1"
    player.press(*"+++++++")
    assert player.page.input_value(player.part("rate")) == "4"


def test_a_race_goes_on_until_the_pace_is_home(
    player: PlayerPage, finish: Tape, fall: Tape
) -> None:
    player.press("r", "End")
    assert player.read("clock") == "45.53 s"
    assert player.read("distance") == f"{finish.distance:.1f} m"
    assert [run["reading"] for run in player.runs] == [
        f"{finish.score_time:.2f} s",
        f"{fall.distance:.1f} m",
    ]
    assert [run["pressed"] for run in player.runs] == ["true", "true"]
    player.press("2")
    assert [run["pressed"] for run in player.runs] == ["true", "false"]
    player.press("1")
    # The last one cannot leave.
    assert [run["pressed"] for run in player.runs] == ["true", "false"]
    player.click("solo")
    assert player.tick == finish.ticks


def test_names_are_text(player: PlayerPage) -> None:
    assert [run["name"] for run in player.runs] == ["Record", EVIL]
    player.press("r")
    assert player.page.title() == "player"
    assert player.page.locator("img").count() == 0


def test_moves_by_itself_unless_the_reader_wants_no_motion(browser: Browser, url: str) -> None:
    still = opened(browser, url)
    moving = opened(browser, url, reduced_motion="no-preference")
    moving.page.wait_for_function("document.querySelector('[data-role=scrub]').value > 1")
    assert still.tick == 0
    for player in (still, moving):
        player.page.context.close()


def test_follows_the_readers_theme(browser: Browser, url: str) -> None:
    light = opened(browser, url, color_scheme="light")
    day = light.pixel(0.5, 0.5)
    light.page.emulate_media(color_scheme="dark")
    # The page redraws when it is told, which is a little later.
    for _ in range(100):
        night = light.pixel(0.5, 0.5)
        if night != day:
            break
        light.page.wait_for_timeout(50)
    assert sum(night[:3]) < sum(day[:3]) - 150
    light.page.context.close()


def test_fits_a_phone(browser: Browser, url: str) -> None:
    phone = opened(
        browser, url, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True
    )
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
    heights = phone.page.eval_on_selector_all(
        "button, select", "elements => elements.map(element => element.offsetHeight)"
    )
    assert min(heights) >= 38
    phone.page.tap(phone.part("play"))
    phone.page.wait_for_function("document.querySelector('[data-role=scrub]').value > 1")
    phone.page.context.close()
