"""What a run writes: locks and versions before it starts, file names after it ends."""

import logging
from collections.abc import Iterator
from datetime import datetime
from os import getpid
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout
from kedro.framework.hooks import hook_impl
from kedro.io import AbstractDataset, AbstractVersionedDataset, DataCatalog
from kedro.pipeline import Pipeline
from pydantic import BaseModel

from qwop_wr.agents.coaching import CoachingOptions
from qwop_wr.errors import BadInputError
from qwop_wr.search.options import SMALL_TICKS, SMALL_WIDTH, SearchOptions
from qwop_wr.simulator import SLOW_CLONES

logger = logging.getLogger(__name__)

_FOLDER: Final = Path("data/.locks")
_ENVIRONMENT = "params:environment"


class OutputsHook:
    """Checks, before anything runs, that the outputs can be saved and found again.

    - Two runs at once may not write the same file: each holds a lock per stored output,
      which the operating system releases when the process ends, however it ends. An entry
      of the catalog that several processes may fill says ``metadata: {shared: true}``.
    - Versions are named by the clock and the last name is the newest: a clock that went back
      would hide what is saved now behind what is there.
    """

    def __init__(self) -> None:
        self._locks: list[FileLock] = []

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """Check and lock the outputs.

        Raises:
            BadInputError: If another run writes one of them, the folder of data cannot be
                written, or a version is newer than the clock.
        """
        self._release()
        stored = dict(_stored_outputs(pipeline, catalog))
        for name, dataset in stored.items():
            _check_versions(name, dataset)
        project = Path(run_params["project_path"])
        folder = project / _FOLDER
        try:
            if stored:
                folder.mkdir(parents=True, exist_ok=True)
            for name, dataset in stored.items():
                if not (getattr(dataset, "metadata", None) or {}).get("shared"):
                    self._lock(folder / _lock_name(dataset, project), name)
        except OSError as error:
            self._release()
            raise BadInputError(
                f"{folder}: cannot be written ({error.strerror or error}), and neither could "
                "results; nothing was run"
            ) from error
        except BadInputError:
            self._release()
            raise

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Release the outputs."""
        self._release()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Release the outputs."""
        self._release()

    @hook_impl
    def on_pipeline_interrupted(self) -> None:
        """Release the outputs."""
        self._release()

    def _lock(self, path: Path, name: str) -> None:
        lock, holder = FileLock(path, fallback_to_soft=False), path.with_suffix(".holder")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise BadInputError(
                f"{name} is being written by another kedro run ({_read(holder)}); wait until it "
                "has ended or stop it; runs that write different files can run side by side, "
                "and so can runs in two copies of the project"
            ) from None
        except NotImplementedError:
            logger.warning("%s knows no locks: do not run the same pipeline twice at once", path)
            return
        self._locks.append(lock)
        holder.write_text(f"process {getpid()} since {datetime.now():%H:%M:%S}", encoding="utf-8")

    def _release(self) -> None:
        while self._locks:
            self._locks.pop().release(force=True)


def _stored_outputs(
    pipeline: Pipeline, catalog: DataCatalog
) -> Iterator[tuple[str, AbstractDataset[Any, Any]]]:
    for name in sorted({output for node in pipeline.nodes for output in node.outputs}):
        dataset = catalog.get(name)
        if dataset is not None and (hasattr(dataset, "_filepath") or hasattr(dataset, "_path")):
            yield name, dataset


def _lock_name(dataset: AbstractDataset[Any, Any], project: Path) -> str:
    path = getattr(dataset, "_filepath", None) or getattr(dataset, "_path", "")
    inner = _within(path, project)
    return "__".join(part for part in inner.parts if part != inner.anchor) + ".lock"


def _within(path: object, project: Path) -> Path:
    """The path relative to the project, if it is there."""
    whole = Path(str(path))
    return whole.relative_to(project) if whole.is_relative_to(project) else whole


def _check_versions(name: str, dataset: AbstractDataset[Any, Any]) -> None:
    if not isinstance(dataset, AbstractVersionedDataset) or dataset._version is None:
        return
    now = dataset.resolve_save_version() or ""
    found = dataset._glob_function(f"{dataset._filepath}/*/{dataset._filepath.name}")
    newest = max((Path(path).parent.name for path in found), default="")
    if newest > now:
        raise BadInputError(
            f"{name}: its newest version, {newest}, is later than this computer's clock, {now}; "
            f"set the clock right, or take that version out of {dataset._filepath}"
        )


def _read(holder: Path) -> str:
    try:
        return holder.read_text(encoding="utf-8")
    except OSError:
        return "its process is unknown"


class SmallSearchesHook:
    """Warns at the start if the engine is too slow for the searches of the pipeline."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Warn of nodes whose searches are cut down or skipped."""
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
    """Whether these options, or options inside them, belong to a search that clones games."""
    if isinstance(options, SearchOptions | CoachingOptions):
        return True
    return isinstance(options, BaseModel) and any(
        _searches(getattr(options, name)) for name in type(options).model_fields
    )


class ResultPathsHook:
    """Logs the final outputs of a finished run, those that no node reads."""

    @hook_impl
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog
    ) -> None:
        """List the written files."""
        project = Path(run_params["project_path"])
        paths = {
            name: getattr(catalog[name], "_filepath", None) for name in sorted(pipeline.outputs())
        }
        written = {name: path for name, path in paths.items() if path is not None}
        width = max((len(name) for name in written), default=0)
        for name, path in written.items():
            logger.info("%s  %s", name.ljust(width), _within(path, project))
