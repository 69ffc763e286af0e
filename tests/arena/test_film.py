"""Films, read back by the libraries that know them."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from qwop_wr.arena.film import write_film
from qwop_wr.arena.show import Frame

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 40), (20, 20, 20)]


def frames() -> Iterator[Frame]:
    for colour in COLOURS:
        yield np.full((540, 960, 3), colour, dtype=np.uint8)


@pytest.mark.parametrize(("rate", "seconds"), [(10, 0.5), (15, 0.33), (30, 0.17)])
def test_a_gif_has_the_pictures_for_their_time(tmp_path: Path, rate: int, seconds: float) -> None:
    path = tmp_path / "run.gif"
    write_film(frames(), list(frames()), path, rate, 320)
    with Image.open(path) as film:
        assert (film.size, film.info["loop"]) == ((320, 180), 0)
        durations = []
        for number, colour in enumerate(COLOURS):
            film.seek(number)
            durations.append(film.info["duration"])
            seen = film.convert("RGB").getpixel((100, 100))
            assert seen == pytest.approx(colour, abs=40)
        with pytest.raises(EOFError):
            film.seek(len(COLOURS))
    assert sum(durations) == pytest.approx(1000 * seconds)


def test_an_mp4_has_the_pictures_at_their_rate(tmp_path: Path) -> None:
    path = tmp_path / "run.mp4"
    write_film(frames(), list(frames()), path, 30, 321)
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height) == (320, 180)
        assert float(stream.average_rate or 0) == 30
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(stream)]
    assert len(pictures) == len(COLOURS)
    for picture, colour in zip(pictures, COLOURS, strict=True):
        assert picture.mean(axis=(0, 1)) == pytest.approx(colour, abs=12)


@pytest.mark.parametrize("name", ["run.gif", "run.mp4"])
def test_a_film_that_fails_leaves_what_was_there(tmp_path: Path, name: str) -> None:
    def failing() -> Iterator[Frame]:
        yield from list(frames())[:2]
        raise RuntimeError("no more")

    path = tmp_path / name
    path.write_text("older")
    with pytest.raises(RuntimeError, match="no more"):
        write_film(failing(), list(frames()), path, 30, 320)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_other_films_are_not_made(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.mp4 or \.gif, got 'run.avi'"):
        write_film(frames(), list(frames()), tmp_path / "run.avi", 30, 320)
    assert list(tmp_path.iterdir()) == []
