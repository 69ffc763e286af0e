"""Project settings, read by Kedro."""

import logging
import os
import sys
import warnings

# MLflow asks for exactly "true" in DO_NOT_TRACK; its own switch is clearer. Kedro's
# telemetry is off in the file .telemetry.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# A server that is gone delays a run by seconds, not by minutes.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
# No progress bar for every small file that MLflow copies.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

# In a log file every redraw of a progress bar is a new line.
if not sys.stderr.isatty():
    os.environ.setdefault("TQDM_MININTERVAL", "30")

# Kedro and kedro-mlflow call a function that OmegaConf 2.4 has renamed; nothing that a
# user of this project could change.
warnings.filterwarnings("ignore", message=r"register_new_resolver\(\) is deprecated")

from omegaconf.resolvers.oc import env  # noqa: E402 (after the switches above)

from qwop_wr.compute import share_arenas  # noqa: E402
from qwop_wr.hooks import (  # noqa: E402
    ArtifactLoggingHook,
    ConfigurationCheckHook,
    MissingInputsHook,
    MlflowRunHook,
    ModelRegistryHook,
    OutputsHook,
    ParameterLoggingHook,
    ProvenanceHook,
    ResultPathsHook,
    ResumeAdviceHook,
    SmallSearchesHook,
)
from qwop_wr.secrets import DiscreetRecord  # noqa: E402
from qwop_wr.session import ProjectSession  # noqa: E402
from qwop_wr.simulator.tape import record_file  # noqa: E402
from qwop_wr.whole_files import write_whole_files  # noqa: E402

# Errors of servers name their addresses, and addresses may hold passwords. A filter reaches
# only the loggers or handlers that it is added to, and libraries such as MLflow bring handlers
# of their own that do not propagate; the factory is the one place that all records pass.
logging.setLogRecordFactory(DiscreetRecord)

# Stages learn in threads that come and go, and what one has freed is there for the next.
share_arenas()

# Kedro's datasets write in place; a full disk would leave half a file and lose the one before.
# They find their filesystem by the protocol of the path alone, which is "file" for every path
# in the project: fs_args cannot choose a class, and Kedro makes no path with a protocol of its
# own relative to the project. fsspec's registry is the public place to replace it.
write_whole_files()

# Kedro calls the last one first: MlflowRunHook opens the run that others log to.
HOOKS = (
    ArtifactLoggingHook(),
    ModelRegistryHook(),
    ParameterLoggingHook(),
    ProvenanceHook(),
    ResultPathsHook(),
    ResumeAdviceHook(),
    SmallSearchesHook(),
    OutputsHook(),
    ConfigurationCheckHook(),
    MissingInputsHook(),
    MlflowRunHook(),
)
# MlflowRunHook takes its place; the spelling of the name depends on how it was packaged.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-mlflow", "kedro_mlflow")

SESSION_CLASS = ProjectSession

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # Kedro resolves oc.env only in credentials; clusters need it in the catalog, too.
    "custom_resolvers": {"oc.env": env, "record_file": record_file},
    "config_patterns": {"mlflow": ["mlflow*", "mlflow*/**"]},
    # An environment names only what differs; without this it replaces whole blocks.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft"},
}
