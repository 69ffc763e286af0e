"""``qwop import``: files of other programs become ours."""

import hashlib
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
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
from qwop_wr.simulator import ENGINES, PLATFORMS
from qwop_wr.simulator.exchange import MAX_BYTES as MAX_RECORDING_BYTES
from qwop_wr.simulator.exchange import gym_recording, runr
from qwop_wr.simulator.exchange.origins import Origin, find_origin
from qwop_wr.simulator.tape import SUFFIX as TAPE_SUFFIX
from qwop_wr.simulator.tape import TapeError

_MAX_NPZ_BYTES: Final = 2**28
_NORMALISATION: Final = re.compile(r".*vec_?norm.*\.(pkl|pickle)", re.IGNORECASE)
_PICKLE: Final = "a pickle executes what it loads and is not read; "
_TORCH: Final = "weights alone do not say which agent they are; save it with model.save(); "
_UNREAD: Final[Mapping[str, str]] = {
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), _PICKLE),
    **dict.fromkeys((".pt", ".pth", ".ckpt", ".onnx", ".h5", ".safetensors"), _TORCH),
    **dict.fromkeys((".gz", ".tar", ".tgz", ".7z", ".rar"), "unpack it first; "),
}
_FOREIGN_OBSERVATION: Final = "absolute"
_FOREIGN_ACTIONS: Final[Mapping[int, str]] = {
    len(ACTION_SETS[name]): name for name in ("qwop_gym", "full")
}
"""The action sets in circulation, by their number of actions."""


@dataclass(frozen=True)
class Choices:
    """Settings that the files do not contain.

    Attributes:
        actions: Action set; None for the usual one of the kind of file.
        ticks_per_action: Ticks of an action; likewise.
        engine: Engine to replay on, or that an agent runs on.
        platform: Platform to replay on; None to try all.
        fresh_pages: Whether the recorder reloaded the page for every run; False to
            try both.
    """

    actions: str | None
    ticks_per_action: int | None
    engine: str
    platform: str | None
    fresh_pages: bool


class Product(NamedTuple):
    """One file to write.

    Attributes:
        save: Writes it to a path.
        words: What it is, in one line.
    """

    name: str
    save: Callable[[Path], None]
    words: str


def products(path: Path, choices: Choices) -> Iterator[Product]:
    """Read a file of another program and convert it.

    Raises:
        BadInputError: If it is of no known kind, or cannot be used.
    """
    suffix = path.suffix.lower()
    if suffix not in _KINDS:
        kinds = ", ".join(f"{suffix} ({kind.words})" for suffix, kind in _KINDS.items())
        hint = _UNREAD.get(suffix, "")
        raise BadInputError(f"{path}: {hint}its name must end in one of {kinds}")
    kind = _KINDS[suffix]
    if suffix == SB3_SUFFIX and (statistics := _normalisation_beside(path)):
        raise BadInputError(
            f"{path}: {statistics.name} lies beside it: the agent reads observations that "
            "VecNormalize has scaled, and its statistics are in a pickle, which executes what "
            "it loads and is not read; train with norm_obs=False, or move the pickle away if "
            "it is another agent's"
        )
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
    for words in recording.left_out:
        click.echo(f"Warning: {origin['file']}: left out {words}", err=True)
    origin |= {"seed": recording.seed, "actions": actions, "ticks_per_action": ticks}
    for place, episode in enumerate(recording.episodes, start=1):
        name = stem if len(recording.episodes) == 1 else f"{stem}_{place:04d}"
        resets = (0,) if choices.fresh_pages else (episode.soft_resets, 1 - episode.soft_resets)
        facts = {**origin, "episode": episode.number}
        yield _tape(name, episode.keys, ticks, resets, choices, facts)


def _runr_tape(
    stem: str, content: bytes, choices: Choices, origin: dict[str, Any]
) -> Iterator[Product]:
    recorded = runr.decode(content)
    facts = {**origin, "ruleset": recorded.ruleset}
    yield _tape(stem, recorded.keys, 1, (0,), choices, facts)


def _tape(
    name: str,
    keys: NDArray[np.uint8],
    last_ticks: int,
    soft_resets: Sequence[int],
    choices: Choices,
    facts: Mapping[str, Any],
) -> Product:
    platforms: Sequence[str | None] = [choices.platform] if choices.platform else PLATFORMS
    if choices.engine != "exact":
        platforms = [None]
    meta = {"imported": dict(facts)}
    origin = find_origin(keys, last_ticks, choices.engine, platforms, soft_resets, meta)

    def save(path: Path) -> None:
        try:
            origin.tape.save(path)
        except TapeError as error:
            raise BadInputError(str(error)) from error

    words = f"{in_words(origin.tape.claims)}; {_told(origin, choices)}"
    return Product(f"{name}{TAPE_SUFFIX}", save, words)


def _told(origin: Origin, choices: Choices) -> str:
    """Describe what the recorded end says about the browser."""
    tape = origin.tape
    page = ", on a used page" if tape.soft_resets else ""
    if not origin.is_true:
        where = f"platform {tape.platform}" if tape.platform else f"engine {tape.engine}"
        tried = "" if choices.platform or not tape.platform else ", nor on any other platform"
        return f"the recording does not end so: {where}{page}{tried}"
    if not origin.alike:
        return f"ends as recorded{page}"
    words = f"ends as recorded on platform {', '.join(origin.alike)}{page}"
    if origin.others:
        words += (
            f"; otherwise, but in the same action, on {', '.join(origin.others)}: if it was "
            "recorded there, say --platform"
        )
    return words


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


def _normalisation_beside(path: Path) -> Path | None:
    """Find the statistics that VecNormalize saves beside an agent, or in a folder there."""
    folder = path.parent
    # RL Zoo's folders: dqn/Qwop-v1_1/{Qwop-v1.zip, Qwop-v1/vecnormalize.pkl}
    places = [folder, folder / path.stem]
    files = (file for place in places if place.is_dir() for file in sorted(place.iterdir()))
    return next((file for file in files if _NORMALISATION.fullmatch(file.name)), None)


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


@click.command(
    epilog="""\b
    Examples:
      qwop import session.rec
      qwop import session.rec --actions qwop_gym --ticks-per-action 4 --to tapes
      qwop import run.bin --to tapes
      qwop import model.zip --ticks-per-action 4 --to data/01_raw/guests
      qwop import kuro_try1.npz --to data/01_raw/recordings
    """
)
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="FOLDER",
    help="Where the results go; here if omitted.",
)
@click.option(
    "--actions",
    type=click.Choice(list(ACTION_SETS)),
    help="Key sets: full is qwop-gym's 16, qwop_gym its reduced 9. If omitted, full for a .rec, "
    "by their number for a .zip, minimal for an .npz.",
)
@click.option(
    "--ticks-per-action",
    type=click.IntRange(1, 30),
    help="Ticks of an action, qwop-gym's frames_per_step. If omitted, 1 for a .rec, 4 for a "
    ".zip, 3 for an .npz.",
)
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    default=ENGINES[0],
    show_default=True,
    help="Engine that keys are replayed on, or that an agent runs on.",
)
@click.option(
    "--platform",
    type=click.Choice(PLATFORMS),
    help="Browsers that a recording was made in; all are tried if omitted.",
)
@click.option(
    "--fresh-pages",
    is_flag=True,
    help="A .rec's recorder loaded the page anew for every run (reload_on_reset).",
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
@click.pass_context
def command(  # noqa: PLR0913, PLR0917 (an argument per option)
    context: click.Context,
    files: tuple[Path, ...],
    folder: Path,
    actions: str | None,
    ticks_per_action: int | None,
    engine: str,
    platform: str | None,
    fresh_pages: bool,
    overwrite: bool,
) -> None:
    """Make tapes, agents and demonstrations of other programs' files.

    A FILE is qwop-gym's (.rec) or RUNR's (.bin) recording, which becomes a
    tape; an agent of Stable-Baselines3 (.zip): DQN, QR-DQN, PPO or A2C with
    an MlpPolicy on the 60 circulating numbers; or QWOP-RL's recordings
    (.npz), which become demonstrations.

    Of a .rec file the runs that end with * become tapes; one that is cut off
    or damaged is left out. A run holds in one kind of browser and, with
    qwop-gym, at every second reset begins on a used page: all are tried, and
    the tape is of the first in which the run ends with the recording's last
    action. The line says so, or that there is none. Nothing in a file is
    executed. What is made says where it comes from. A file that cannot be
    used does not keep the others from being read.
    """
    all_read = True
    choices = Choices(actions, ticks_per_action, engine, platform, fresh_pages)
    for path in files:
        try:
            for product in products(path, choices):
                all_read &= _write(product, folder, overwrite)
        except BadInputError as error:
            error.show()
            all_read = False
    if not all_read:
        context.exit(1)


def _write(product: Product, folder: Path, overwrite: bool) -> bool:
    """Write a result; return whether it was written."""
    target = folder / product.name
    try:
        if target.exists() and not overwrite:
            raise BadInputError(f"{target}: exists already; --overwrite replaces it")
        folder.mkdir(parents=True, exist_ok=True)
        product.save(target)
    except (OSError, BadInputError) as error:
        BadInputError(str(error)).show()
        return False
    click.echo(f"{target}: {product.words}")
    return True
