"""Every reader of files that strangers may have made, with files that it reads."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from kedro.config import OmegaConfigLoader
from kedro.io import DatasetError
from safetensors.numpy import save as format_tensors

from qwop_wr.agents.foreign.archive import read_archive
from qwop_wr.agents.foreign.policy import ForeignPolicy
from qwop_wr.agents.state import TrainingState
from qwop_wr.datasets import (
    AgentDataset,
    AgentsDataset,
    OptionalJSONDataset,
    Recording,
    TapeDataset,
    TapesDataset,
    TrainingStateDataset,
    TransitionsDataset,
)
from qwop_wr.datasets.npz import read_arrays, write_arrays
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.errors import BadInputError
from qwop_wr.hooks.configuration_files import check_files
from qwop_wr.pipelines import expert
from qwop_wr.simulator.exchange import gym_recording, runr
from qwop_wr.simulator.tape import Tape, TapeError
from tests.agents.foreign.stock import saved, stock_model
from tests.datasets.conftest import INTERFACE, make_agent, make_transitions
from tests.faults.mutations import Bytes, mutate, mutate_keys, mutate_members, mutate_tensors

CONF = Path(__file__).parents[2] / "conf" / "base"
_NAMES = ("a", "b")


class Reader(NamedTuple):
    """One way to read a file.

    Attributes:
        name: What is read.
        suffix: Ending of the file's name.
        sample: A file that is read.
        read: Reads a file.
        refusals: What it may raise.
        rewrites: Ways to damage the file: its bytes, or what is within its envelope.
    """

    name: str
    suffix: str
    sample: bytes
    read: Callable[[Path], object]
    refusals: tuple[type[Exception], ...]
    rewrites: tuple[Bytes, ...] = (mutate,)


def _tape() -> Tape:
    # The first tick holds no key, as in every recording of qwop-gym.
    keys = np.repeat(np.array([0, 9, 6, 0, 1], np.uint8), [1, 15, 15, 3, 2])
    return Tape.record(keys, engine="box2d", meta={"seed": 12, "who": "a <b>stranger</b>"})


def _saved(dataset: type, item: object, folder: Path) -> bytes:
    path = folder / "sample"
    dataset(filepath=path).save(item)
    content = path.read_bytes()
    path.unlink()
    return content


def _arrays() -> bytes:
    file = io.BytesIO()
    write_arrays(file, {"a": np.arange(6.0).reshape(2, 3), "b": np.array("text")})
    return file.getvalue()


def _read_arrays(path: Path) -> object:
    with path.open("rb") as file:
        return read_arrays(file, _NAMES, 10_000)


def _load(dataset: type, **options: object) -> Callable[[Path], object]:
    return lambda path: dataset(filepath=path, **options).load()


def _load_folder(dataset: type) -> Callable[[Path], object]:
    def load(path: Path) -> object:
        folder = path.parent / "folder"
        folder.mkdir(exist_ok=True)
        shutil.copyfile(path, folder / f"one{''.join(path.suffixes)}")
        return dataset(filepath=folder).load()

    return load


def _read_foreign(path: Path) -> object:
    options = EnvironmentOptions(observation="absolute", actions="qwop_gym", ticks_per_action=4)
    policy = ForeignPolicy.of(read_archive(path.read_bytes()))
    return policy.agent(options.interface, "box2d", {})


def _read_configuration(path: Path) -> object:
    base = path.parent / "conf" / "base"
    base.mkdir(parents=True, exist_ok=True)
    (path.parent / "conf" / "local").mkdir(exist_ok=True)
    shutil.copyfile(path, base / "catalog.yml")
    loader = OmegaConfigLoader(str(base.parent), base_env="base", default_run_env="local")
    check_files(loader, expert.create_pipeline().datasets())
    return loader["catalog"]


def all_readers(folder: Path) -> dict[str, Reader]:
    """List the readers.

    Args:
        folder: For samples while they are made.

    Returns:
        Readers by name.
    """
    agent = _saved(AgentDataset, make_agent(), folder)
    tape = _tape().to_json().encode()
    state = TrainingState({"policy/weight": np.ones(3), "buffer": np.zeros(5, np.int64)}, {"n": 7})
    foreign = format_tensors({"weight": np.ones((2, 2))}, metadata={"format": "pt"})
    rec = gym_recording.encode(_tape().per_tick_keys, ACTION_SETS["full"].tolist(), 5)
    in_tensors, in_members = (mutate, mutate_tensors), (mutate, mutate_members)
    summary = json.dumps({"seeds": 20, "finish_rate": 0.5, "stages": {"a": [1, None]}}).encode()
    readers = (
        Reader("arrays (npz)", ".npz", _arrays(), _read_arrays, (ValueError,), in_members),
        Reader(
            "demonstrations (npz)",
            ".npz",
            _saved(TransitionsDataset, Recording(make_transitions(), INTERFACE), folder),
            _load(TransitionsDataset),
            (DatasetError,),
            in_members,
        ),
        Reader("agent", ".safetensors", agent, _load(AgentDataset), (DatasetError,), in_tensors),
        Reader(
            "folder of agents",
            ".safetensors",
            agent,
            _load_folder(AgentsDataset),
            (DatasetError,),
            in_tensors,
        ),
        Reader(
            "foreign tensors",
            ".safetensors",
            foreign,
            _load(AgentDataset),
            (DatasetError,),
            in_tensors,
        ),
        Reader(
            "training state",
            ".safetensors",
            _saved(TrainingStateDataset, state, folder),
            _load(TrainingStateDataset),
            (DatasetError,),
            in_tensors,
        ),
        Reader(
            "agent of Stable-Baselines3 (zip)",
            ".zip",
            saved(stock_model("qrdqn", net_arch=[8, 6], n_quantiles=2)),
            _read_foreign,
            (ValueError,),
            in_members,
        ),
        Reader("tape", ".qwop.json", tape, _load(TapeDataset), (DatasetError,)),
        Reader("tape, by the command", ".qwop.json", tape, Tape.load, (TapeError,)),
        Reader("folder of tapes", ".qwop.json", tape, _load_folder(TapesDataset), (DatasetError,)),
        Reader(
            "RUNR (.bin)",
            ".bin",
            runr.encode(_tape().per_tick_keys),
            lambda path: runr.decode(path.read_bytes()),
            (TapeError,),
            (mutate, mutate_keys),
        ),
        Reader(
            "qwop-gym (.rec)",
            ".rec",
            rec,
            lambda path: gym_recording.decode(path.read_bytes(), ACTION_SETS["full"].tolist(), 4),
            (TapeError,),
        ),
        Reader("JSON", ".json", summary, _load_json, (DatasetError,)),
        Reader(
            "configuration (YAML)",
            ".yml",
            (CONF / "catalog_expert.yml").read_bytes(),
            _read_configuration,
            (BadInputError,),
        ),
    )
    return {reader.name: reader for reader in readers}


def _load_json(path: Path) -> object:
    return OptionalJSONDataset(filepath=str(path)).load()
