"""Parameters as MLflow wants them: flat, short and in few calls."""

from collections.abc import Mapping
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Param, RunTag
from pydantic import BaseModel

from qwop_wr.secrets import without_secrets

_MAX_PARAM_LENGTH = 500
_MAX_TAG_LENGTH = 5000
_MAX_BATCH = 100


def flatten_options(options: Mapping[str, Any] | BaseModel, prefix: str = "") -> dict[str, Any]:
    """Flatten nested options, models included, to dotted keys.

    Args:
        options: Mapping or model.
        prefix: Dotted name put before every key.

    Returns:
        Values by dotted key, in order; lists stay whole.
    """
    items = options.model_dump(mode="json") if isinstance(options, BaseModel) else options
    flat: dict[str, Any] = {}
    for key, value in items.items():
        name = f"{prefix}.{key}" if prefix else str(key)
        if isinstance(value, Mapping | BaseModel):
            flat.update(flatten_options(value, name))
        else:
            flat[name] = value
    return flat


def log_parameters(client: MlflowClient, run_id: str, parameters: Mapping[str, Any]) -> None:
    """Log parameters in few calls; values too long for a parameter become tags.

    What the run has already keeps its first value: a run that goes on has been told.

    Args:
        client: Client of the store.
        run_id: Run to log to.
        parameters: Values by name.
    """
    known = client.get_run(run_id).data.params
    texts = {
        name: without_secrets(str(value)) for name, value in parameters.items() if name not in known
    }
    params = [Param(name, text) for name, text in texts.items() if len(text) <= _MAX_PARAM_LENGTH]
    tags = [
        RunTag(name, text[:_MAX_TAG_LENGTH])
        for name, text in texts.items()
        if len(text) > _MAX_PARAM_LENGTH
    ]
    for start in range(0, max(len(params), len(tags)), _MAX_BATCH):
        stop = start + _MAX_BATCH
        client.log_batch(run_id, params=params[start:stop], tags=tags[start:stop])
