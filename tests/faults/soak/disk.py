"""Disks that are full: whatever is saved is there as a whole, or what was there before is."""

import os
import resource
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from kedro.io import DatasetError
from kedro_datasets.json import JSONDataset
from kedro_datasets.matplotlib import MatplotlibDataset
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.text import TextDataset
from matplotlib.figure import Figure

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets import (
    AgentDataset,
    AgentsDataset,
    Recording,
    TapeDataset,
    TapesDataset,
    TrainingStateDataset,
    TransitionsDataset,
)
from qwop_wr.simulator.tape import Tape
from qwop_wr.whole_files import write_whole_files
from tests.datasets.conftest import INTERFACE, make_agent, make_transitions
from tests.faults.soak import Row

N_TRIES: Final = 200


class Saving(NamedTuple):
    """Something that is saved.

    Attributes:
        make: Makes the dataset at a path.
        item: Makes an item from a number; other numbers give other items.
    """

    make: Callable[[Path], Any]
    item: Callable[[int], Any]


def _agent(number: int) -> Agent:
    return make_agent().with_card(number=number)


def _recording(number: int) -> Recording:
    rewards = np.full(7, number, np.float32)
    return Recording(replace(make_transitions(), rewards=rewards), INTERFACE)


def _tape(number: int) -> Tape:
    keys = np.tile(np.array([9, 6], np.uint8), 40)
    return Tape.record(keys, engine="box2d", meta={"n": number, "x": "x" * 3000})


def _figure(number: int) -> Figure:
    figure = Figure()
    figure.subplots().plot(np.random.default_rng(number).random(50))
    return figure


SAVINGS: Final = {
    "agent": Saving(lambda path: AgentDataset(filepath=path), _agent),
    "folder of agents": Saving(
        lambda path: AgentsDataset(filepath=path), lambda n: {f"a{i}": _agent(n) for i in range(3)}
    ),
    "training state": Saving(
        lambda path: TrainingStateDataset(filepath=path),
        lambda n: TrainingState({"a": np.full(2000, n)}, {"n": n}),
    ),
    "demonstrations": Saving(lambda path: TransitionsDataset(filepath=path), _recording),
    "tape": Saving(lambda path: TapeDataset(filepath=path), _tape),
    "folder of tapes": Saving(
        lambda path: TapesDataset(filepath=path), lambda n: {f"t{i}": _tape(n) for i in range(3)}
    ),
    "JSON": Saving(lambda path: JSONDataset(filepath=str(path)), lambda n: [n] * 3000),
    "table": Saving(
        lambda path: CSVDataset(filepath=str(path)), lambda n: pd.DataFrame({"a": [n] * 3000})
    ),
    "page": Saving(lambda path: TextDataset(filepath=str(path)), lambda n: f"{n}\n" * 3000),
    "figure": Saving(
        lambda path: MatplotlibDataset(filepath=str(path), save_args={"format": "png"}), _figure
    ),
}
"""Everything that pipelines save."""


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes: writes fail in the middle, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill_up(saving: Saving, folder: Path, n_tries: int, seed: int) -> tuple[int, int]:
    """Save again and again while the disk is full at another place.

    Args:
        saving: What to save.
        folder: An empty folder.
        n_tries: How often.
        seed: Seed of the places.

    Returns:
        How many saves failed with an error that says so; and how many left something
        that was neither the old nor the new, or leftovers, or an error of another kind.
    """
    rng = np.random.default_rng(seed)
    dataset, first = saving.make(folder / "kept"), saving.item(0)
    second = saving.item(1)
    dataset.save(second)
    new = _content(folder)
    dataset.save(first)
    old = _content(folder)
    largest = max(map(len, new.values()))
    refused = broken = 0
    for _ in range(n_tries):
        try:
            with full_disk(int(rng.integers(0, largest))):
                dataset.save(second)
        except (DatasetError, OSError) as error:
            refused += 1
            broken += "File too large" not in str(error) or _content(folder) != old
        else:
            broken += _content(folder) != new
            dataset.save(first)
    return refused, broken


def fill_disks(folder: Path, n_tries: int = N_TRIES, seed: int = 1) -> Iterator[Row]:
    """Fill the disk up under everything that pipelines save.

    Args:
        folder: An empty folder.
        n_tries: Full disks per kind of file.
        seed: Seed of the places where they are full.

    Yields:
        A row per kind of file.
    """
    write_whole_files()
    for name, saving in SAVINGS.items():
        with tempfile.TemporaryDirectory(dir=folder) as kept:
            refused, broken = fill_up(saving, Path(kept), n_tries, seed)
        text = f"{refused} saves refused, {broken} half-written or left over"
        yield Row(f"{name}: disk full in the middle, {n_tries} times", text, passed=not broken)


def _content(folder: Path) -> dict[str, bytes]:
    return {
        os.path.relpath(path, folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
