"""What ``qwop import`` makes of each kind of file."""

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from kedro.io.core import DatasetError
from numpy.typing import NDArray

from qwop_wr.agents.foreign import MAX_BYTES as MAX_AGENT_BYTES
from qwop_wr.agents.foreign import SUFFIX as SB3_SUFFIX
from qwop_wr.agents.foreign import ForeignPolicy, read_archive
from qwop_wr.commands.tapes import in_words
from qwop_wr.datasets import AgentDataset, Recording, TransitionsDataset
from qwop_wr.datasets.npz import read_arrays
from qwop_wr.envs import ACTION_SETS, OBSERVATIONS, EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.imitation import recordings
from qwop_wr.simulator.exchange import MAX_BYTES as MAX_RECORDING_BYTES
from qwop_wr.simulator.exchange import gym_recording, runr
from qwop_wr.simulator.tape import SUFFIX as TAPE_SUFFIX
from qwop_wr.simulator.tape import Tape, TapeError

_MAX_NPZ_BYTES: Final = 2**28
_FOREIGN_OBSERVATION: Final = "absolute"
_FOREIGN_ACTIONS: Final[Mapping[int, str]] = {
    len(ACTION_SETS[name]): name for name in ("qwop_gym", "full")
}
"""The sets that circulate, by their number of actions."""


@dataclass(frozen=True)
class Choices:
    """What the files do not say.

    Attributes:
        actions: Action set; None for what is usual of the kind of file.
        ticks_per_action: Ticks of an action; likewise.
        engine: Engine to replay on, or that an agent runs on.
    """

    actions: str | None
    ticks_per_action: int | None
    engine: str


class Product(NamedTuple):
    """One file to write.

    Attributes:
        name: Its name.
        save: Writes it to a path.
        words: What it is, in one line.
    """

    name: str
    save: Callable[[Path], None]
    words: str


def products(path: Path, choices: Choices) -> Iterator[Product]:
    """Read a file and say what becomes of it.

    Args:
        path: A file of another program.
        choices: What it does not say itself.

    Yields:
        Files to write.

    Raises:
        BadInputError: If it is of no known kind, or cannot be used.
    """
    if path.suffix not in _KINDS:
        kinds = ", ".join(f"{suffix} ({kind.words})" for suffix, kind in _KINDS.items())
        raise BadInputError(f"{path}: its name must end in one of {kinds}")
    kind = _KINDS[path.suffix]
    content = _read(path, kind.max_bytes)
    origin: dict[str, Any] = {
        "format": kind.format,
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    try:
        yield from kind.convert(path.stem, content, choices, origin)
    except ValueError as error:
        raise BadInputError(f"{path}: {error}") from error


def _read(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(content) > max_bytes:
        raise BadInputError(f"{path}: longer than {max_bytes} bytes, the most that is read")
    return content


def _gym_tapes(
    stem: str, content: bytes, choices: Choices, origin: dict[str, Any]
) -> Iterator[Product]:
    actions, ticks = choices.actions or "full", choices.ticks_per_action or 1
    recording = gym_recording.decode(content, ACTION_SETS[actions].tolist(), ticks)
    origin |= {"seed": recording.seed, "actions": actions, "ticks_per_action": ticks}
    for place, (number, keys) in enumerate(recording.episodes, start=1):
        name = stem if len(recording.episodes) == 1 else f"{stem}_{place:04d}"
        yield _tape(name, keys, choices.engine, {**origin, "episode": number})


def _runr_tape(
    stem: str, content: bytes, choices: Choices, origin: dict[str, Any]
) -> Iterator[Product]:
    recorded = runr.decode(content)
    yield _tape(stem, recorded.keys, choices.engine, {**origin, "ruleset": recorded.ruleset})


def _tape(name: str, keys: NDArray[np.uint8], engine: str, origin: Mapping[str, Any]) -> Product:
    tape = Tape.record(keys, engine, {"imported": origin})

    def save(path: Path) -> None:
        try:
            tape.save(path)
        except TapeError as error:
            raise BadInputError(str(error)) from error

    return Product(f"{name}{TAPE_SUFFIX}", save, in_words(tape.claims))


def _agent(
    stem: str, content: bytes, choices: Choices, origin: dict[str, Any]
) -> Iterator[Product]:
    policy = ForeignPolicy.of(read_archive(content))
    environment = EnvironmentOptions.from_keywords(
        {
            "observation": _FOREIGN_OBSERVATION,
            "actions": _foreign_actions(policy, choices.actions),
            "ticks_per_action": choices.ticks_per_action or 4,
        }
    )
    n_numbers = len(OBSERVATIONS[_FOREIGN_OBSERVATION])
    if policy.n_observations != n_numbers:
        raise ValueError(
            f"it reads {policy.n_observations} numbers; known is the observation of {n_numbers} "
            "that circulates since qwop-gym"
        )
    agent = policy.agent(environment.interface, choices.engine, origin)
    widths = " x ".join(map(str, policy.net_arch))
    words = (
        f"{policy.learner}, {widths} {policy.activation}, action set {environment.actions}, "
        f"{environment.ticks_per_action} ticks per action, engine {choices.engine}"
    )
    yield Product(f"{stem}.safetensors", lambda path: _save(AgentDataset, path, agent), words)


def _foreign_actions(policy: ForeignPolicy, chosen: str | None) -> str:
    candidates = [len(ACTION_SETS[chosen])] if chosen else list(_FOREIGN_ACTIONS)
    n_actions = policy.n_actions(candidates)
    if chosen is None and n_actions in _FOREIGN_ACTIONS:
        return _FOREIGN_ACTIONS[n_actions]
    if chosen is not None and n_actions == len(ACTION_SETS[chosen]):
        return chosen
    known = ", ".join(f"{len(masks)} ({name})" for name, masks in ACTION_SETS.items())
    raise ValueError(f"it chooses from {n_actions} actions; the known sets have {known}")


def _demonstrations(
    stem: str, content: bytes, choices: Choices, origin: dict[str, Any]
) -> Iterator[Product]:
    environment = EnvironmentOptions.from_keywords(
        {
            "observation": "absolute",
            "actions": choices.actions or "minimal",
            "ticks_per_action": choices.ticks_per_action or recordings.TICKS_PER_ACTION,
        }
    )
    arrays = read_arrays(io.BytesIO(content), recordings.ARRAYS, _MAX_NPZ_BYTES)
    runs = recordings.convert(arrays, environment)
    recording = Recording(runs.transitions, environment.interface)
    position = "from the file" if runs.has_position else "estimated from its speeds"
    words = (
        f"{runs.transitions.n_episodes} runs, {len(runs.transitions)} decisions of "
        f"{runs.seconds_per_action:.3f} s on average, taken for "
        f"{environment.ticks_per_action} ticks; farthest {runs.distances.max():.1f} m, "
        f"position {position}"
    )
    yield Product(
        f"{stem}_demonstrations.npz",
        lambda path: _save(TransitionsDataset, path, recording),
        words,
    )


def _save(dataset: type[AgentDataset | TransitionsDataset], path: Path, item: Any) -> None:  # noqa: ANN401 - what it keeps
    try:
        dataset(filepath=path.as_posix()).save(item)
    except DatasetError as error:
        raise BadInputError(str(error)) from error


class _Kind(NamedTuple):
    format: str
    words: str
    max_bytes: int
    convert: Callable[[str, bytes, Choices, dict[str, Any]], Iterator[Product]]


_KINDS: Final[Mapping[str, _Kind]] = {
    gym_recording.SUFFIX: _Kind(
        "qwop-gym", "a qwop-gym recording", MAX_RECORDING_BYTES, _gym_tapes
    ),
    runr.SUFFIX: _Kind("RUNR", "a RUNR recording", MAX_RECORDING_BYTES, _runr_tape),
    SB3_SUFFIX: _Kind(
        "Stable-Baselines3", "an agent of Stable-Baselines3", MAX_AGENT_BYTES, _agent
    ),
    ".npz": _Kind("QWOP-RL", "QWOP-RL recordings", _MAX_NPZ_BYTES, _demonstrations),
}
