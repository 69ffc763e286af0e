"""A real browser without a window, where there is one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_MISSING = (
    "no Chromium was found; install one with 'playwright install --with-deps chromium' or "
    "'apt-get install chromium'"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium that ``QWOP_BROWSER`` names, the system's, or Playwright's own.

    Without any the test is skipped.
    """
    with sync_playwright() as playwright:
        installed = next((path for path in map(shutil.which, _NAMES) if path), None)
        path = os.environ.get("QWOP_BROWSER") or installed or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip(_MISSING)
        # As root, for instance in a container, Chromium's sandbox does not start.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        # The real game needs WebGL, also where there is no graphics card.
        arguments = ["--enable-unsafe-swiftshader", *sandbox]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


class PlayerPage:
    """A page with a player, operated as a reader does.

    Args:
        page: The page, opened.
    """

    def __init__(self, page: Page) -> None:
        self.page = page

    def part(self, role: str) -> str:
        """Selector of a part of the player."""
        return f'[data-role="{role}"]'

    def read(self, role: str) -> str:
        """Text of a part."""
        return self.page.inner_text(self.part(role))

    def click(self, role: str) -> None:
        """Click on a part."""
        self.page.click(self.part(role))

    def press(self, *keys: str) -> None:
        """Press keys while the player has the focus."""
        self.page.focus("[data-player]")
        for key in keys:
            self.page.keyboard.press(key)

    def scrub(self, tick: int) -> None:
        """Move the slider."""
        self.page.eval_on_selector(
            self.part("scrub"),
            "(slider, tick) => { slider.value = tick; slider.dispatchEvent(new Event('input')); }",
            tick,
        )

    @property
    def tick(self) -> float:
        """Where the slider is."""
        return float(self.page.input_value(self.part("scrub")))

    @property
    def runs(self) -> list[dict[str, str]]:
        """Name, reading and state of the runs in the list."""
        found: list[dict[str, str]] = self.page.eval_on_selector_all(
            f"{self.part('runs')} button",
            """buttons => buttons.map(button => ({
                name: button.querySelector("b").textContent,
                reading: button.querySelector("output").textContent,
                pressed: button.getAttribute("aria-pressed"),
            }))""",
        )
        return found

    def pixel(self, across: float, down: float) -> list[int]:
        """Colour of the stage at a share of its width and height."""
        colour: list[int] = self.page.eval_on_selector(
            self.part("stage"),
            """(canvas, [x, y]) => [...canvas.getContext("2d").getImageData(
                Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data]""",
            [across, down],
        )
        return colour
