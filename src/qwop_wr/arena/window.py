"""A window, its events and its clock, through pygame."""

import os
import sys
from typing import Final, Protocol

import pygame

from qwop_wr.arena.show import Frame
from qwop_wr.envs.rendering.canvas import HEIGHT, WIDTH
from qwop_wr.errors import BadInputError

_FRAMES_PER_SECOND: Final = 60
_DISPLAYS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")


class NoDisplayError(BadInputError):
    """There is no display to open a window on."""

    def __init__(self) -> None:
        super().__init__(
            "there is no display to open a window on; run this on a desktop (or through ssh -X), "
            "or make a film instead: qwop export TAPE run.mp4"
        )


class Scene(Protocol):
    """Content of a window."""

    @property
    def is_open(self) -> bool:
        """Whether the window stays open."""
        ...

    def handle(self, event: pygame.event.Event) -> None:
        """Takes an event of keyboard or window."""
        ...

    def advance(self, seconds: float) -> None:
        """Lets real time pass [s]."""
        ...

    def draw(self) -> Frame:
        """Draws this moment."""
        ...


class Window:
    """A window of 960 x 540 pixels that can be resized; a context manager.

    Raises:
        NoDisplayError: If there is no display.
    """

    def __init__(self, title: str) -> None:
        if sys.platform.startswith("linux") and not any(map(os.environ.get, _DISPLAYS)):
            raise NoDisplayError
        try:
            pygame.display.init()
            pygame.display.set_mode((WIDTH, HEIGHT), pygame.RESIZABLE)
        except pygame.error as error:
            raise NoDisplayError from error
        pygame.display.set_caption(title)

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *error: object) -> None:
        pygame.display.quit()

    def show(self, frame: Frame) -> None:
        """Shows a picture, uint8 of shape (540, 960, 3), as large as the window allows."""
        surface = pygame.display.get_surface()
        assert surface is not None  # noqa: S101 - the window was opened
        picture = pygame.image.frombuffer(frame.tobytes(), (WIDTH, HEIGHT), "RGB")
        width, height = surface.get_size()
        factor = min(width / WIDTH, height / HEIGHT)
        size = (max(int(WIDTH * factor), 1), max(int(HEIGHT * factor), 1))
        if size != (WIDTH, HEIGHT):
            picture = pygame.transform.smoothscale(picture, size)
        surface.fill((0, 0, 0))
        surface.blit(picture, ((width - size[0]) // 2, (height - size[1]) // 2))
        pygame.display.flip()

    def run(self, scene: Scene) -> None:
        """Shows a scene in real time until it or the window is closed."""
        clock = pygame.time.Clock()
        while scene.is_open:
            seconds = clock.tick(_FRAMES_PER_SECOND) / 1000
            for event in pygame.event.get():
                if event.type == pygame.QUIT:
                    return
                scene.handle(event)
            scene.advance(seconds)
            self.show(scene.draw())
