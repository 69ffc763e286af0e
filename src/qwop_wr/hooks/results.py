"""What a run will leave out, and where it left its results."""

import logging
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from pydantic import BaseModel

from qwop_wr.agents.coaching import CoachingOptions
from qwop_wr.search.options import SMALL_TICKS, SMALL_WIDTH, SearchOptions
from qwop_wr.simulator import SLOW_CLONES

logger = logging.getLogger(__name__)

_ENVIRONMENT = "params:environment"


class SmallSearchesHook:
    """Says at the start where an engine is too slow for what the pipeline is asked to search."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Name the nodes whose searches are small or left out.

        Args:
            pipeline: The pipeline to run.
            catalog: Its catalog.
        """
        if _ENVIRONMENT not in pipeline.inputs():
            return
        engine = getattr(catalog[_ENVIRONMENT].load(), "engine", None)
        if engine not in SLOW_CLONES:
            return
        asked = {
            name
            for name in pipeline.inputs()
            if name.startswith("params:") and _searches(catalog[name].load())
        }
        nodes = [node.name for node in pipeline.nodes if asked.intersection(node.inputs)]
        if nodes:
            logger.warning(
                "Engine %s clones a game only by playing its keys again: searches end after %d "
                "ticks and keep %d states, searched demonstrations and coaching are left out "
                "(%s)",
                engine,
                SMALL_TICKS,
                SMALL_WIDTH,
                ", ".join(nodes),
            )


def _searches(options: object) -> bool:
    """Whether options are, or hold, those of something that clones games."""
    if isinstance(options, SearchOptions | CoachingOptions):
        return True
    return isinstance(options, BaseModel) and any(
        _searches(getattr(options, name)) for name in type(options).model_fields
    )


class ResultPathsHook:
    """Names the files that a finished run was made for, those that no node reads on."""

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """List what was written.

        Args:
            run_params: What was asked to be run.
            pipeline: The pipeline that ran.
            catalog: Its catalog.
        """
        project = Path(run_params["project_path"])
        paths = {name: _path(catalog, name, project) for name in sorted(pipeline.outputs())}
        written = {name: path for name, path in paths.items() if path is not None}
        width = max((len(name) for name in written), default=0)
        for name, path in written.items():
            logger.info("%s  %s", name.ljust(width), path)


def _path(catalog: DataCatalog, name: str, project: Path) -> str | None:
    filepath = getattr(catalog[name], "_filepath", None)
    if filepath is None:
        return None
    path = Path(str(filepath))
    return str(path.relative_to(project) if path.is_relative_to(project) else path)
