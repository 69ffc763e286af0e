"""Settings: what Kedro is told, and that nothing is sent to anyone."""

import importlib
import warnings
from importlib.metadata import distribution
from pathlib import Path

import pytest
from kedro_telemetry.plugin import _check_for_telemetry_consent  # type: ignore[import-untyped]
from mlflow.telemetry.utils import is_telemetry_disabled
from omegaconf import OmegaConf

from qwop_wr import settings

REPOSITORY = Path(__file__).parents[1]


def test_kedro_mlflow_is_replaced_under_its_installed_name() -> None:
    # Otherwise its hook and ours would both open a run.
    assert distribution("kedro-mlflow").name in settings.DISABLE_HOOKS_FOR_PLUGINS


def test_telemetry_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DO_NOT_TRACK")
    assert _check_for_telemetry_consent(REPOSITORY) is False
    assert is_telemetry_disabled()


def test_the_known_warning_is_silent() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        importlib.reload(settings)
        caught.clear()
        OmegaConf.register_new_resolver("test_settings", _double, replace=True)
    assert caught == []


def _double(value: int) -> int:
    return 2 * value
