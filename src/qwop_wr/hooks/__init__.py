"""Hooks around pipelines and nodes: checks, logging to MLflow, interruptions."""

from qwop_wr.hooks.configuration import ConfigurationCheckHook
from qwop_wr.hooks.interruption import MissingInputsHook, ResumeAdviceHook
from qwop_wr.hooks.mlflow_logging import (
    ArtifactLoggingHook,
    ModelRegistryHook,
    ParameterLoggingHook,
    ProvenanceHook,
)
from qwop_wr.hooks.mlflow_run import MlflowRunHook
from qwop_wr.hooks.outputs import OutputsHook, ResultPathsHook, SmallSearchesHook

__all__ = [
    "ArtifactLoggingHook",
    "ConfigurationCheckHook",
    "MissingInputsHook",
    "MlflowRunHook",
    "ModelRegistryHook",
    "OutputsHook",
    "ParameterLoggingHook",
    "ProvenanceHook",
    "ResultPathsHook",
    "ResumeAdviceHook",
    "SmallSearchesHook",
]
