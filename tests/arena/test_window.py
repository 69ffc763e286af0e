"""The window, on a display that does not exist."""

import numpy as np
import pygame
import pytest

from qwop_wr.arena.show import Frame
from qwop_wr.arena.window import NoDisplayError, Window


class Still:
    """A picture that closes after some frames."""

    def __init__(self, frames: int) -> None:
        self.frames = frames
        self.seconds = 0.0
        self.keys: list[int] = []

    @property
    def is_open(self) -> bool:
        return self.frames > 0

    def handle(self, event: pygame.event.Event) -> None:
        if event.type == pygame.KEYDOWN:
            self.keys.append(event.key)

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    def draw(self) -> Frame:
        self.frames -= 1
        frame = np.zeros((540, 960, 3), dtype=np.uint8)
        frame[:, :480] = (250, 10, 90)
        return frame


def test_a_scene_is_shown_until_it_closes() -> None:
    scene = Still(3)
    with Window("test") as window:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_q))
        window.run(scene)
        surface = pygame.display.get_surface()
        assert surface is not None
        assert pygame.display.get_caption()[0] == "test"
        assert surface.get_at((100, 100))[:3] == (250, 10, 90)
        assert surface.get_at((900, 100))[:3] == (0, 0, 0)
    assert (scene.frames, scene.keys) == (0, [pygame.K_q])
    assert scene.seconds > 0
    assert not pygame.display.get_init()


def test_closing_the_window_ends_it() -> None:
    scene = Still(10_000)
    with Window("test") as window:
        pygame.event.post(pygame.event.Event(pygame.QUIT))
        window.run(scene)
    assert scene.frames == 10_000


def test_pictures_grow_with_the_window() -> None:
    with Window("test") as window:
        pygame.display.set_mode((1920, 1200), pygame.RESIZABLE)
        window.run(Still(1))
        surface = pygame.display.get_surface()
        assert surface is not None
        assert surface.get_at((900, 600))[:3] == (250, 10, 90)
        assert surface.get_at((900, 30))[:3] == (0, 0, 0)


@pytest.mark.parametrize("driver", ["", "no-such-driver"])
def test_without_a_display_the_error_says_what_to_do(
    driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SDL_VIDEODRIVER", driver)
    with pytest.raises(NoDisplayError, match="no display .* qwop export TAPE run.mp4"):
        Window("test")
