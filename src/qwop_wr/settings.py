"""Project settings, read by Kedro."""

import os
import warnings

# MLflow asks for exactly "true" in DO_NOT_TRACK; its own switch is clearer. Kedro's
# telemetry is off in the file .telemetry.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")

# kedro-mlflow defines its model class without type hints, which only matters to those
# who serve pipelines as MLflow models.
warnings.filterwarnings("ignore", message=".*Add type hints to the `predict` method")

from qwop_wr.hooks import (  # noqa: E402 (after the switches above)
    ArtifactLoggingHook,
    ConfigurationCheckHook,
    MlflowRunHook,
    ParameterLoggingHook,
    ProvenanceHook,
    ResumeAdviceHook,
)
from qwop_wr.session import ProjectSession  # noqa: E402

# The last one is called first: MlflowRunHook opens the run that others log to.
HOOKS = (
    ArtifactLoggingHook(),
    ParameterLoggingHook(),
    ProvenanceHook(),
    ResumeAdviceHook(),
    ConfigurationCheckHook(),
    MlflowRunHook(),
)
# MlflowRunHook takes its place; the spelling of the name depends on how it was packaged.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow")

SESSION_CLASS = ProjectSession

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**"]},
    # An environment names only what differs; without this it replaces whole blocks.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft"},
}
