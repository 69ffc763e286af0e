"""What is said when a pipeline is interrupted."""

import json
import logging
import shlex
from collections.abc import Mapping
from typing import Any, Final

from kedro.framework.hooks import hook_impl
from kedro.framework.hooks.markers import hook_spec
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from qwop_wr.tracking.parameters import flatten_options

logger = logging.getLogger(__name__)

RESUME: Final = "params:resume"
"""Input of nodes that can go on in the middle of their work."""
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
"""Options of ``kedro run`` by the names that Kedro hands them on with."""


class InterruptionSpecs:
    """The hook that :class:`~qwop_wr.session.ProjectSession` adds to Kedro's."""

    @hook_spec
    def on_pipeline_interrupted(self) -> None:
        """Called after Ctrl-C or SIGTERM, before the session ends.

        Kedro itself calls no hook then: ``on_pipeline_error`` is for exceptions.
        """


class ResumeAdviceHook:
    """Tells which nodes to go on from when a pipeline is interrupted."""

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
        """Begin to follow a run.

        Args:
            run_params: What was asked to be run.
            pipeline: The pipeline to run.
            catalog: Its catalog.
        """
        self._run_params, self._pipeline, self._catalog = run_params, pipeline, catalog
        self._running, self._done = None, set()

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Follow the run; the node before is done, its outputs are saved.

        Args:
            node: The node to run.
        """
        if self._running is not None:
            self._done.add(self._running)
        self._running = node

    @hook_impl
    def on_pipeline_interrupted(self) -> None:
        """Say where the run stopped and how to go on."""
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
            "Stopped in node %s, after %d of %d nodes. What they saved is kept. To go %s:\n%s",
            self._running.name,
            len(self._done),
            len(self._pipeline.nodes),
            "on" if changes else "through it again",
            _command({**self._run_params, **changes}),
        )


def _command(run_params: Mapping[str, Any]) -> str:
    """Spell the command out that runs this."""
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
    """Find the first nodes to run again, given that outputs kept in memory are gone."""
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
