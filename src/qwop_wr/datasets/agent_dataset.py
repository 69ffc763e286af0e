"""``AgentDataset`` keeps an agent's spec, card and weights in one safetensors file."""

import json
from typing import IO, Any, ClassVar

from kedro.io.core import DatasetError
from kedro_datasets._typing import JSONPreview

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.datasets.described_tensors import parse_content, read_description, write_tensors
from qwop_wr.datasets.stored_dataset import StoredDataset
from qwop_wr.datasets.whole_files import whole_file

_FORMAT_VERSION = 1
_METADATA_KEY = "qwop-agent"
_NAMES = {"format_version", "spec", "card", "fingerprint"}


class AgentDataset(StoredDataset[Agent, Agent | None]):
    """``AgentDataset`` loads and saves an agent as a safetensors file.

    Weights are plain float32 tensors; spec, card and fingerprint are JSON in the
    file's metadata. Nothing in the file can execute, and no optimiser or replay
    buffer is inside. Weights that do not fit the spec or the fingerprint are refused;
    the file appears whole or not at all.

    Examples:
        Using the YAML API:

        ```yaml
        velocity_agent:
          type: qwop_wr.datasets.AgentDataset
          filepath: data/06_models/velocity_agent.safetensors
          versioned: true

        reigning_agent:
          type: qwop_wr.datasets.AgentDataset
          filepath: data/01_raw/expert.safetensors
          load_args:
            optional: true
        ```

        Using the Python API:

        >>> from qwop_wr.agents.agent import Agent, AgentSpec
        >>> from qwop_wr.agents.networks import build_network
        >>> from qwop_wr.datasets import AgentDataset
        >>>
        >>> spec = AgentSpec(
        ...     algorithm="ppo",
        ...     observation="egocentric",
        ...     actions="minimal",
        ...     ticks_per_action=2,
        ...     n_observations=4,
        ...     n_actions=9,
        ...     engine="exact",
        ...     net_arch=(8,),
        ... )
        >>> agent = Agent.from_network(spec, build_network(spec), card={"stage": "expert"})
        >>> dataset = AgentDataset(filepath=tmp_path / "expert.safetensors")
        >>> dataset.save(agent)
        >>> dataset.load().fingerprint == agent.fingerprint
        True
    """

    KIND: ClassVar[str] = "agent"
    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {"optional": False, "max_bytes": 2**28}
    """``optional``: whether a missing file loads as ``None`` instead of being an error;
    ``max_bytes``: the largest file that is read."""

    def load(self) -> Agent | None:
        """Load and validate the agent.

        Returns:
            The agent; None if there is no file and ``optional`` is set.

        Raises:
            DatasetError: If the file is missing, damaged, too big, or not an agent.
        """
        if self._load_args["optional"] and self._stored_path() is None:
            return None
        path = self._required_path()
        with self._reading(path):
            size, limit = self._fs.size(path), self._load_args["max_bytes"]
            if size > limit:
                raise ValueError(f"it has {size} bytes, the limit is {limit}")
            with self._fs.open(path, "rb") as file:
                description = _read_description(file)
                file.seek(0)
                return _agent(description, file.read())

    def save(self, data: Agent) -> None:
        """Save the agent, whole or not at all.

        Args:
            data: The agent.

        Raises:
            DatasetError: If it is not an agent or cannot be written.
        """
        if not isinstance(data, Agent):
            raise DatasetError(
                f"{self._filepath}: got a {type(data).__name__} to save; expected an Agent"
            )
        description = {
            "format_version": _FORMAT_VERSION,
            "spec": data.spec.model_dump(mode="json"),
            "card": data.card,
            "fingerprint": data.fingerprint,
        }
        with self._writing() as path, whole_file(self._fs, path) as file:
            write_tensors(file, _METADATA_KEY, description, data.weights)

    def preview(self) -> JSONPreview:
        """Show the agent's description in Kedro-Viz, without its weights.

        Returns:
            JSON text of spec, card and fingerprint.
        """
        path = self._required_path()
        with self._reading(path), self._fs.open(path, "rb") as file:
            return JSONPreview(json.dumps(_read_description(file)))


def _read_description(file: IO[bytes]) -> dict[str, Any]:
    """Read what the file's header says about the agent, without its weights."""
    description = read_description(file, _METADATA_KEY, _NAMES)
    if not isinstance(description["card"], dict):
        raise ValueError("its card must be a JSON object")
    if description["format_version"] != _FORMAT_VERSION:
        raise ValueError(
            f"its format_version is {description['format_version']!r}, expected {_FORMAT_VERSION}"
        )
    return description


def _agent(description: dict[str, Any], content: bytes) -> Agent:
    weights = parse_content(content)
    if foreign := sorted(name for name, array in weights.items() if array.dtype != "float32"):
        raise ValueError(f"weights {foreign[0]!r} are {weights[foreign[0]].dtype}, not float32")
    agent = Agent(AgentSpec.model_validate(description["spec"]), weights, description["card"])
    if agent.fingerprint != description["fingerprint"]:
        raise ValueError("its weights or its spec are not those that were saved")
    return agent
