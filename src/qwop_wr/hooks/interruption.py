"""Advice when a pipeline is interrupted, or starts without an input that it needs."""

import json
import logging
import shlex
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from kedro.framework.hooks import hook_impl
from kedro.framework.hooks.markers import hook_spec
from kedro.framework.project import pipelines
from kedro.io import AbstractVersionedDataset, DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro_datasets.partitions import PartitionedDataset

from qwop_wr.datasets import OptionalJSONDataset, OptionalPartitions, StudyStorageDataset
from qwop_wr.errors import BadInputError
from qwop_wr.tracking.runs import flatten_options

logger = logging.getLogger(__name__)

RESUME: Final = "params:resume"
"""Input of nodes that can resume half-finished work."""
_MAX_NODES: Final = 6
"""Most nodes that a command names one by one."""
_OPTIONS: Final = {
    "pipeline_names": "pipelines",
    "env": "env",
    "namespaces": "namespaces",
    "tags": "tags",
    "node_names": "nodes",
    "from_nodes": "from-nodes",
    "to_nodes": "to-nodes",
    "from_inputs": "from-inputs",
    "to_outputs": "to-outputs",
}
"""Options of ``kedro run`` by their names in Kedro's run parameters."""


class InterruptionSpecs:
    """The hook that :class:`~qwop_wr.session.ProjectSession` adds to Kedro's."""

    @hook_spec
    def on_pipeline_interrupted(self) -> None:
        """Called after Ctrl-C or SIGTERM, before the session ends.

        Kedro itself calls no hook then: ``on_pipeline_error`` is for exceptions.
        """


class ResumeAdviceHook:
    """Logs the command that resumes an interrupted pipeline."""

    def __init__(self) -> None:
        self._run_params: dict[str, Any] = {}
        self._pipeline: Pipeline | None = None
        self._catalog: DataCatalog | None = None
        self._running: Node | None = None
        self._done: set[Node] = set()

    @hook_impl
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Begin to follow a run."""
        self._run_params, self._pipeline, self._catalog = run_params, pipeline, catalog
        self._running, self._done = None, set()

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Follow the run; the node before is done, its outputs are saved."""
        if self._running is not None:
            self._done.add(self._running)
        self._running = node

    @hook_impl
    def on_pipeline_interrupted(self) -> None:
        """Log where the run stopped and how to resume it."""
        if self._pipeline is None or self._catalog is None or self._running is None:
            logger.warning("Stopped before any node ran.")
            return
        changes: dict[str, Any] = {}
        if self._done:
            start = _nodes_to_resume_from(self._pipeline, self._catalog, self._done)
            changes["from_nodes"] = start
        if RESUME in self._running.inputs:
            runtime_params = self._run_params.get("runtime_params") or {}
            changes["runtime_params"] = {**runtime_params, "resume": True}
        logger.warning(
            "Stopped in node %s, after %d of %d nodes. Their outputs are saved. To %s:\n%s",
            self._running.name,
            len(self._done),
            len(self._pipeline.nodes),
            "resume" if changes else "run it again",
            _command({**self._run_params, **changes}),
        )


class MissingInputsHook:
    """Refuses a run whose inputs are missing, and names the nodes that make them."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Check that every free input exists.

        Raises:
            BadInputError: If an input is missing that a node of some pipeline makes; names
                that node and the command that runs it first.
        """
        missing = [name for name in sorted(pipeline.inputs()) if not _is_there(catalog, name)]
        requested = list(run_params.get("pipeline_names") or ["__default__"])
        registered = _by_preference(requested)
        found = {name: _maker(name, registered) for name in missing}
        makers = {name: node for name, node in found.items() if node is not None}
        if not makers:
            return  # Inputs that no node makes fail in their dataset, with its own message.
        made = list(makers)
        name = made[0]
        reader = next(node for node in pipeline.nodes if name in node.inputs)
        needed = {*pipeline.nodes, *_nodes_to_make(made, catalog, registered)}
        is_file = isinstance(catalog.get(name), AbstractVersionedDataset | PartitionedDataset)
        where = "is not there" if is_file else "only memory keeps"
        more = f" (and {len(made) - 1} more inputs are missing)" if len(made) > 1 else ""
        raise BadInputError(
            f"{reader.name} needs {name}, which {where}: node {makers[name].name} makes "
            f"it{more}; run: " + _command({**run_params, **_selection(needed, requested)})
        )


def _is_there(catalog: DataCatalog, name: str) -> bool:
    if name == "parameters" or name.startswith("params:"):
        return True
    dataset: Any = catalog.get(name)
    may_be_missing = (OptionalJSONDataset, OptionalPartitions, StudyStorageDataset)
    if isinstance(dataset, may_be_missing) or (getattr(dataset, "_load_args", None) or {}).get(
        "optional"
    ):
        return True
    return dataset is not None and bool(dataset.exists())


def _by_preference(requested: Collection[str]) -> list[Pipeline]:
    """The registered pipelines: those asked for, then the others, the smallest first."""
    others = [pipelines[name] for name in pipelines if name not in requested]
    return [
        *(pipelines[name] for name in requested),
        *sorted(others, key=lambda one: len(one.nodes)),
    ]


def _maker(name: str, registered: Iterable[Pipeline]) -> Node | None:
    nodes = (node for pipeline in registered for node in pipeline.nodes)
    return next((node for node in nodes if name in node.outputs), None)


def _nodes_to_make(
    names: Iterable[str], catalog: DataCatalog, registered: Collection[Pipeline]
) -> set[Node]:
    """All nodes that must run, given the outputs that exist."""
    found: set[Node] = set()
    wanted = list(names)
    while wanted:
        node = _maker(wanted.pop(), registered)
        if node is not None and node not in found:
            found.add(node)
            wanted += [name for name in node.inputs if not _is_there(catalog, name)]
    return found


def _selection(needed: Collection[Node], requested: Collection[str]) -> dict[str, Any]:
    """Options of ``kedro run`` that select these nodes, and a few more where that is shorter."""
    changes: dict[str, Any] = dict.fromkeys(_OPTIONS.keys() - {"pipeline_names", "env"})
    names = sorted(pipelines, key=lambda name: (name not in requested, len(pipelines[name].nodes)))
    whole = [name for name in names if set(needed) <= set(pipelines[name].nodes)]
    if not whole:
        return {**changes, "pipeline_names": _names_covering(needed, names)}
    changes["pipeline_names"] = [] if whole[0] == "__default__" else [whole[0]]
    if len(needed) <= _MAX_NODES and set(needed) != set(pipelines[whole[0]].nodes):
        changes["node_names"] = sorted(node.name for node in needed)
    return changes


def _names_covering(needed: Collection[Node], names: Iterable[str]) -> list[str]:
    """Pipelines that hold all nodes together, taken in order while they add some."""
    left, chosen = set(needed), []
    for name in names:
        if left & set(pipelines[name].nodes):
            left -= set(pipelines[name].nodes)
            chosen.append(name)
    return chosen


def _command(run_params: Mapping[str, Any]) -> str:
    """Compose the command line that runs this."""
    words = ["kedro", "run"]
    for key, option in _OPTIONS.items():
        value = run_params.get(key)
        if value:
            words.append(f"--{option}={value if isinstance(value, str) else ','.join(value)}")
    if flat := flatten_options(run_params.get("runtime_params") or {}):
        values = [f"{key}={_spelt(value)}" for key, value in flat.items()]
        words.append(f"--params={','.join(values)}")
    return shlex.join(words)


def _spelt(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _nodes_to_resume_from(pipeline: Pipeline, catalog: DataCatalog, done: set[Node]) -> list[str]:
    """First nodes to run again, given that outputs kept in memory are lost."""
    unfinished = set(pipeline.nodes) - done
    while True:
        needed = {name for node in unfinished for name in node.inputs}
        lost = {name for name in needed if not _is_stored(catalog, name)}
        producers = {node for node in done if lost.intersection(node.outputs)}
        if producers <= unfinished:
            break
        unfinished |= producers
    return sorted(node.name for node in Pipeline(list(unfinished)).grouped_nodes[0])


def _is_stored(catalog: DataCatalog, name: str) -> bool:
    dataset: Any = catalog.get(name)
    return dataset is not None and not isinstance(dataset, MemoryDataset) and dataset.exists()
