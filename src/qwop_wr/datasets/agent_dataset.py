"""Agents as safetensors files: one (``AgentDataset``) or a folder of them (``AgentsDataset``)."""

from collections.abc import Mapping
from typing import Any, ClassVar

from kedro.io.core import DatasetError

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.spec import AgentSpec
from qwop_wr.datasets.stored_dataset import FolderDataset
from qwop_wr.datasets.tensors_dataset import Described, Tensors, TensorsDataset


class AgentDataset(TensorsDataset[Agent]):
    """``AgentDataset`` loads and saves an agent as a safetensors file.

    Weights are plain float32 tensors; spec, card and fingerprint are JSON in the
    file's metadata. Nothing in the file can execute, and no optimiser or replay
    buffer is inside. Weights that do not fit the spec or the fingerprint are refused.

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

    ITEM: ClassVar[type] = Agent
    ARTICLE: ClassVar[str] = "an"
    METADATA_KEY: ClassVar[str] = "qwop-agent"
    NAMES: ClassVar[frozenset[str]] = frozenset({"spec", "card", "fingerprint"})
    OBJECT: ClassVar[str] = "card"

    def _encode(self, item: Agent) -> Described:
        description = {
            "spec": item.spec.model_dump(mode="json"),
            "card": item.card,
            "fingerprint": item.fingerprint,
        }
        return Described(description, item.weights)

    def _decode(self, description: Mapping[str, Any], tensors: Tensors) -> Agent:
        if foreign := sorted(name for name, array in tensors.items() if array.dtype != "float32"):
            raise ValueError(f"weights {foreign[0]!r} are {tensors[foreign[0]].dtype}, not float32")
        agent = Agent(AgentSpec.model_validate(description["spec"]), tensors, description["card"])
        if agent.fingerprint != description["fingerprint"]:
            raise ValueError("its weights or its spec are not those that were saved")
        return agent


class AgentsDataset(FolderDataset[Agent]):
    """``AgentsDataset`` loads and saves agents by name, one file each.

    The files are those of ``AgentDataset``.

    Examples:
        Using the YAML API:

        ```yaml
        guide_agents:
          type: qwop_wr.datasets.AgentsDataset
          filepath: data/01_raw/guides
          load_args:
            optional: true
        ```

        Using the Python API:

        >>> from qwop_wr.datasets import AgentsDataset
        >>>
        >>> dataset = AgentsDataset(filepath=tmp_path / "guides")
        >>> dataset.save({"guide_1": agent})
        >>> dataset.load()["guide_1"].fingerprint == agent.fingerprint
        True
    """

    KIND: ClassVar[str] = "folder of agents"
    ITEM: ClassVar[type[Agent]] = Agent
    ARTICLE: ClassVar[str] = "an"
    SUFFIX: ClassVar[str] = ".safetensors"
    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {
        "optional": False,
        "max_agents": 100,
        "max_bytes": 2**28,
    }
    """``optional``: whether a missing folder loads as no agents instead of being an error;
    ``max_agents``: how many are read at most; ``max_bytes``: how large they may be together
    (an agent of the default network has 0.4 MB)."""

    def _is_same_item(self, present: Agent, item: Agent) -> bool:
        same = (present.fingerprint, present.card) == (item.fingerprint, item.card)
        return same and present.spec == item.spec

    def _load_item(self, path: str) -> Agent:
        agent = self._file(path).load()
        assert agent is not None  # noqa: S101 - it is not optional
        return agent

    def _save_item(self, path: str, item: Agent) -> None:
        try:
            self._file(path).save(item)
        except DatasetError as error:
            # Errors name the target folder, not the temporary one.
            raise (error.__cause__ or error) from None

    def _file(self, path: str) -> AgentDataset:
        return AgentDataset(filepath=f"{self._protocol}://{path}", **self._storage_options)
