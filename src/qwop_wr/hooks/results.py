"""Where a finished run left its results."""

import logging
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline

logger = logging.getLogger(__name__)


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
