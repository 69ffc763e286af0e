"""Files of the command line as runners and as content of user scripts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kedro.io.core import DatasetError, Version

from qwop_wr.agents.agent import Agent
from qwop_wr.arena.runners import AgentKeys, Runner, TapeKeys
from qwop_wr.browser.script import Content, agent_content, tapes_content
from qwop_wr.commands.tapes import true_tape
from qwop_wr.datasets import AgentDataset
from qwop_wr.errors import BadInputError
from qwop_wr.simulator.tape import SUFFIX

_NEWEST: Final = Version(None, None)
AGENT_SUFFIX: Final = ".safetensors"
_TAPE_SUFFIX: Final = ".json"


def runner(path: Path) -> Runner:
    """Load the runner of a file, on a track of its own.

    Args:
        path: A tape (``*.qwop.json``), or an agent (``*.safetensors``): a file, or the
            folder of its versions for the newest one.

    Returns:
        The runner at the start of a fresh page.

    Raises:
        BadInputError: If the file is neither, is missing or cannot be used.
    """
    if path.suffix.lower() == _TAPE_SUFFIX:
        tape = true_tape(path)
        is_named = path.name.lower().endswith(SUFFIX)
        name = path.name[: -len(SUFFIX)] if is_named else path.stem
        keys = TapeKeys(tape)
        return Runner(name, keys, tape.engine, tape.meta, tape.platform, tape.soft_resets)
    if path.suffix.lower() != AGENT_SUFFIX:
        raise BadInputError(
            f"{path}: neither a tape (*.qwop.json) nor an agent (*.safetensors); files of "
            "other programs become such with: qwop import"
        )
    agent = read_agent(path)
    meta = {"protocol": "native", "agent": agent.fingerprint, "seed": 0, "idle_ticks": 0}
    try:
        return Runner(path.stem, AgentKeys(agent), agent.spec.engine, meta)
    except ValueError as error:
        raise BadInputError(f"{path}: {error}") from error


def script_content(paths: Sequence[Path], idle_ticks: int = 0) -> Content:
    """Describe files for a user script.

    Args:
        paths: One agent, or tapes of different platforms.
        idle_ticks: Ticks without keys before the agent's first decision.

    Returns:
        The content of the script.

    Raises:
        BadInputError: If a file cannot be used, or they do not go together.
    """
    agents = [path for path in paths if path.suffix.lower() == AGENT_SUFFIX]
    try:
        if agents:
            if len(paths) > 1:
                raise BadInputError(f"{agents[0]}: an agent plays alone; name no other run")
            return agent_content(agents[0].stem, read_agent(agents[0]), idle_ticks)
        tapes = [true_tape(path) for path in paths]
        return tapes_content(paths[0].name.removesuffix(SUFFIX), tapes)
    except ValueError as error:
        raise BadInputError(f"{', '.join(map(str, paths))}: {error}") from error


def read_agent(path: Path) -> Agent:
    """Read an agent.

    Args:
        path: The file, or the folder of its versions for the newest one.

    Raises:
        BadInputError: If it is missing or cannot be used.
    """
    version = _NEWEST if path.is_dir() else None
    try:
        agent = AgentDataset(filepath=path.as_posix(), version=version).load()
    except DatasetError as error:
        raise BadInputError(str(error)) from error
    assert agent is not None  # noqa: S101 - it is not optional
    return agent
