"""What happens around a pipeline's nodes: checks, logging to MLflow, interruptions."""

from qwop_wr.hooks.artifacts import ArtifactLoggingHook
from qwop_wr.hooks.configuration import ConfigurationCheckHook
from qwop_wr.hooks.interruption import InterruptionSpecs, MissingInputsHook, ResumeAdviceHook
from qwop_wr.hooks.mlflow_run import MlflowRunHook
from qwop_wr.hooks.outputs import OutputsHook
from qwop_wr.hooks.parameters import ParameterLoggingHook
from qwop_wr.hooks.provenance import ProvenanceHook
from qwop_wr.hooks.registry import ModelRegistryHook
from qwop_wr.hooks.results import ResultPathsHook, SmallSearchesHook

__all__ = [
    "ArtifactLoggingHook",
    "ConfigurationCheckHook",
    "InterruptionSpecs",
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
