"""A folder with the tiny project's configuration, and sessions in it."""

import shutil
from pathlib import Path
from typing import Any

import mlflow
import yaml
from kedro.framework.project import configure_project, pipelines
from mlflow.entities import Run

from qwop_wr.session import ProjectSession

_REPOSITORY = Path(__file__).parents[2]

_EXPERIMENTS = {
    "path": "data/experiments",
    "dataset": {"type": "qwop_wr.datasets.TrainingStateDataset"},
    "filename_suffix": ".safetensors",
}
_CATALOG = {
    "experiments": {"type": "partitions.PartitionedDataset", **_EXPERIMENTS},
    "stored_experiments": {
        "type": "qwop_wr.datasets.OptionalPartitions",
        **_EXPERIMENTS,
        "metadata": {"mlflow": {"resumes": "{place}/{name}"}},
    },
    "numbers": {
        "type": "json.JSONDataset",
        "filepath": "data/numbers.json",
        "versioned": True,
        "metadata": {"mlflow": {"artifact_path": "inputs"}},
    },
    "stage.result": {"type": "json.JSONDataset", "filepath": "data/result.json"},
    "counting_training": {
        "type": "qwop_wr.datasets.TrainingStateDataset",
        "filepath": "data/counting.safetensors",
    },
    "interrupted_counting_training": {
        "type": "qwop_wr.datasets.TrainingStateDataset",
        "filepath": "data/counting.safetensors",
        "load_args": {"optional": True},
    },
}
_PARAMETERS = {
    "world": {"engine": "box2d", "ticks": 3},
    "stage": {"options": {"steps": 4, "rate": {"start": 0.5}}, "trouble": None},
    "place": "small",
    "name": "slow",
    "seed": 11,
    "resume": False,
}


class TinyProject:
    """The tiny project in a folder of its own, with this project's settings and hooks.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("base/catalog.yml", _CATALOG)
        self.write("base/parameters.yml", _PARAMETERS)
        self.write("smoke/parameters.yml", {"stage": {"options": {"steps": 2}}})
        shutil.copy(_REPOSITORY / "conf" / "base" / "mlflow.yml", path / "conf" / "base")
        (path / "conf" / "local").mkdir()
        configure_project("qwop_wr")
        pipelines.configure("tests.tiny_project.pipeline_registry")

    def write(self, name: str, content: object) -> None:
        """Write a configuration file as YAML; text is written as it is."""
        path = self.path / "conf" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))

    def store_everything(self) -> None:
        """Store what is otherwise kept in memory."""
        entry = {"type": "json.JSONDataset", "filepath": "data/copied.json"}
        self.write("base/catalog_copied.yml", {"copied": entry})

    def run(
        self,
        env: str | None = None,
        params: dict[str, Any] | None = None,
        **selection: Any,
    ) -> dict[str, Any]:
        """Run the project in a new session."""
        conf = str(self.path / "conf")
        with ProjectSession.create(
            self.path, env=env, runtime_params=params, conf_source=conf
        ) as s:
            return s.run(**selection)

    def runs(self) -> dict[str, Run]:
        """Runs in MLflow by name; of equal names, the newest."""
        client = mlflow.MlflowClient()
        experiments = [e.experiment_id for e in client.search_experiments()]
        return {run.info.run_name: run for run in reversed(client.search_runs(experiments))}
