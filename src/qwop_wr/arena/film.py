"""Pictures of a run as a file that moves: GIF or MP4."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path
from typing import Final

import av
import numpy as np
from PIL import Image

from qwop_wr.arena.show import Frame
from qwop_wr.simulator.tape_format import MAX_TICKS
from qwop_wr.whole_files import whole_path

TICKS_PER_SECOND: Final = 30

_QUALITY: Final = "20"
"""H.264's constant rate factor: 18 looks like the original, 23 is the usual."""

SUFFIXES: Final = (".mp4", ".gif")
"""Endings of films' file names."""

_COLOURS: Final = 128
_HUNDREDTHS: Final = 100
"""In a second; GIF tells time in them."""


def write_film(
    frames: Iterable[Frame],
    samples: Sequence[Frame],
    path: Path,
    frames_per_second: int,
    width: int,
) -> None:
    """Writes a film, whole or not at all, while the pictures come in.

    Args:
        frames: The images, uint8 of shape (height, width, 3), all alike; at least one.
        samples: Some of them, in whose colours a GIF is painted.
        path: Its suffix, ``.gif`` or ``.mp4``, decides the kind. A file that exists is replaced.
        width: Width of the film [pixels]; the height follows.

    Raises:
        OSError: If the file cannot be written.
        ValueError: If the suffix is another one.
    """
    pictures = (_scaled(frame, width) for frame in frames)
    with whole_path(path) as partial:
        if path.suffix.lower() == ".gif":
            palette = Image.fromarray(np.concatenate(samples)).quantize(_COLOURS)
            _write_gif(pictures, palette, partial, frames_per_second)
        elif path.suffix.lower() == ".mp4":
            _write_mp4(pictures, partial, frames_per_second)
        else:
            raise ValueError(f"a film ends in {' or '.join(SUFFIXES)}, got {path.name!r}")


def _write_gif(
    pictures: Iterator[Image.Image], palette: Image.Image, path: Path, frames_per_second: int
) -> None:
    # Pillow reads one duration per picture, and does not mind some that are left over.
    moments = [round(n * _HUNDREDTHS / frames_per_second) for n in range(MAX_TICKS + 1)]
    painted = (picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures)
    next(painted).save(
        path,
        format="GIF",
        save_all=True,
        append_images=painted,
        duration=[10 * (later - now) for now, later in pairwise(moments)],
        loop=0,
    )


def _write_mp4(pictures: Iterator[Image.Image], path: Path, frames_per_second: int) -> None:
    first = next(pictures)
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream(
            "libx264", rate=Fraction(frames_per_second), options={"crf": _QUALITY}
        )
        stream.width, stream.height = first.size
        stream.pix_fmt = "yuv420p"
        for picture in chain([first], pictures):
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24"))
            )
        container.mux(stream.encode())


def _scaled(frame: Frame, width: int) -> Image.Image:
    picture = Image.fromarray(frame)
    # H.264 stores colours for 2 x 2 pixels, hence even sizes only.
    size = (width // 2 * 2, round(picture.height * width / picture.width / 2) * 2)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.LANCZOS)
