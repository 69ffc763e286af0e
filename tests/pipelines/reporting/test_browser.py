"""The whole report in a real browser."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qwop_wr.pipelines.reporting.content import ReportInputs
from qwop_wr.pipelines.reporting.report import render_report
from qwop_wr.simulator.tape import Tape

pytest.importorskip("playwright", reason="needs Playwright: pip install -e '.[dev]'")

from playwright.sync_api import Browser

from tests.chromium import PlayerPage, chromium

pytestmark = pytest.mark.slow

RECORD = Path(__file__).parents[3] / "data/01_raw/record.qwop.json"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_plays_its_runs_under_its_own_policy(
    browser: Browser, finishing: ReportInputs, tmp_path: Path, width: int, scheme: str
) -> None:
    record = Tape.load(RECORD)
    path = tmp_path / "report.html"
    path.write_text(render_report(replace(finishing, guests={"Shipped record": record})))
    page = browser.new_page(viewport={"width": width, "height": 720})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url))
    page.goto(path.as_uri())
    player = PlayerPage(page)
    player.press("2", "End")
    assert player.read("clock") == f"{record.score_time:.2f} s"
    assert player.read("distance") == f"{record.distance:.1f} m"
    # The policy blocks nothing that the page needs, and the page asks for nothing.
    assert told == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as download:
        page.click("a[download]")
    assert Tape.load(download.value.path()).ticks == finishing.tapes["native"].ticks
    page.close()


def test_a_script_in_a_name_does_not_run(
    browser: Browser, finishing: ReportInputs, tmp_path: Path
) -> None:
    evil = "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
    tapes = {f'"{evil}': replace(finishing.tapes["native"], meta={})}
    inputs = replace(finishing, tapes=tapes, provenance={evil: evil}, demonstrations={"file": evil})
    path = tmp_path / "report.html"
    path.write_text(render_report(inputs, tapes=evil))
    page = browser.new_page()
    page.goto(path.as_uri())
    player = PlayerPage(page)
    player.press("r")
    assert player.runs[0]["name"] == f'"{evil}'
    assert "broken" not in page.title()
    assert page.locator("img").count() == 0
    page.close()
