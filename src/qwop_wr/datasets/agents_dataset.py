"""``AgentsDataset`` keeps named agents as a folder of safetensors files."""

import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from kedro.io.core import DatasetError, Version

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets.agent_dataset import AgentDataset
from qwop_wr.datasets.stored_dataset import StoredDataset
from qwop_wr.datasets.whole_files import whole_folder

_SUFFIX = ".safetensors"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class AgentsDataset(StoredDataset[Mapping[str, Agent], dict[str, Agent]]):
    """``AgentsDataset`` loads and saves agents by name, one file each.

    The files are those of ``AgentDataset``. The folder is exchanged as a whole:
    after a save it holds the given agents and no others.

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

        >>> from qwop_wr.agents.agent import Agent, AgentSpec
        >>> from qwop_wr.agents.networks import build_network
        >>> from qwop_wr.datasets import AgentsDataset
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
        >>> agent = Agent.from_network(spec, build_network(spec), card={"stage": "guide"})
        >>> dataset = AgentsDataset(filepath=tmp_path / "guides")
        >>> dataset.save({"guide_1": agent})
        >>> dataset.load()["guide_1"].fingerprint == agent.fingerprint
        True
    """

    KIND: ClassVar[str] = "folder of agents"
    DEFAULT_LOAD_ARGS: ClassVar[dict[str, Any]] = {"optional": False, "max_agents": 100}

    def __init__(
        self,
        *,
        filepath: str | os.PathLike[str],
        load_args: dict[str, Any] | None = None,
        version: Version | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Create a dataset that points to one folder of agents.

        Args:
            filepath: Folder, with a protocol such as ``s3://`` unless it is local.
            load_args: ``optional``, whether a missing folder loads as no agents
                instead of being an error; ``max_agents``, how many are read at most.
            version: Version to load and to save, if versioned.
            credentials: Credentials of the filesystem.
            fs_args: Further arguments of the fsspec filesystem.
            metadata: Anything; Kedro ignores it, plugins and hooks may read it.

        Raises:
            DatasetError: If ``load_args`` has an unknown key.
        """
        super().__init__(
            filepath=filepath,
            load_args=load_args,
            version=version,
            credentials=credentials,
            fs_args=fs_args,
            metadata=metadata,
        )
        self._credentials, self._fs_args = credentials, fs_args

    def load(self) -> dict[str, Agent]:
        """Load all agents of the folder.

        Returns:
            Agents by file name without suffix, in the order of names.

        Raises:
            DatasetError: If the folder is missing or an agent cannot be read.
        """
        if self._load_args["optional"] and self._stored_path() is None:
            return {}
        folder = self._required_path()
        with self._reading(folder):
            files = sorted(
                path for path in self._fs.ls(folder, detail=False) if path.endswith(_SUFFIX)
            )
            if len(files) > self._load_args["max_agents"]:
                raise ValueError(
                    f"it holds {len(files)} agents, the limit is {self._load_args['max_agents']}"
                )
        agents = {}
        for path in files:
            agent = self._file(path).load()
            assert agent is not None  # noqa: S101 - it is not optional
            agents[path.rsplit("/", 1)[-1].removesuffix(_SUFFIX)] = agent
        return agents

    def save(self, data: Mapping[str, Agent]) -> None:
        """Save the agents in place of those that are there.

        Args:
            data: Agents by name.

        Raises:
            DatasetError: If a name cannot be a file name, a value is not an agent,
                or the folder cannot be written.
        """
        for name, agent in data.items():
            if not _SAFE_NAME.fullmatch(name):
                raise DatasetError(
                    f"{self._filepath}: {name!r} cannot name an agent; use letters, digits, "
                    "'.', '_' and '-', beginning with a letter or digit"
                )
            if not isinstance(agent, Agent):
                raise DatasetError(
                    f"{self._filepath}: {name!r} is a {type(agent).__name__}, expected an Agent"
                )
        with self._writing() as path, whole_folder(self._fs, path) as folder:
            for name, agent in data.items():
                try:
                    self._file(f"{folder}/{name}{_SUFFIX}").save(agent)
                except DatasetError as error:
                    # The message is to name the folder, not a temporary one.
                    raise (error.__cause__ or error) from None

    def _file(self, path: str) -> AgentDataset:
        return AgentDataset(
            filepath=f"{self._protocol}://{path}",
            credentials=self._credentials,
            fs_args=self._fs_args,
        )
