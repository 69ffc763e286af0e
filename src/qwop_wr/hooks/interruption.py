"""What is said when a pipeline is interrupted."""

import logging
from typing import Any, Final

from kedro.framework.hooks import hook_impl
from kedro.framework.hooks.markers import hook_spec
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

logger = logging.getLogger(__name__)

_RESUME: Final = "params:resume"
"""Input of nodes that can go on in the middle of their work."""


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
        self._pipeline: Pipeline | None = None
        self._catalog: DataCatalog | None = None
        self._running: Node | None = None
        self._done: set[Node] = set()

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Begin to follow a run.

        Args:
            pipeline: The pipeline to run.
            catalog: Its catalog.
        """
        self._pipeline, self._catalog = pipeline, catalog
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
        start = _nodes_to_resume_from(self._pipeline, self._catalog, self._done)
        options = [f"--from-nodes={','.join(start)}"] if self._done else []
        if _RESUME in self._running.inputs:
            options.append("--params=resume=true")
        advice = (
            f"add {' and '.join(options)} to the same command to go on from there"
            if options
            else "repeat the same command to start again"
        )
        logger.warning(
            "Stopped in node %s, after %d of %d nodes. What they saved is kept; %s.",
            self._running.name,
            len(self._done),
            len(self._pipeline.nodes),
            advice,
        )


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
