"""What a result was made with."""

from pathlib import Path

import pytest

from qwop_wr.agents.stage import StageOptions
from qwop_wr.provenance import describe_provenance

RAW = {
    "seed": 1,
    "stage": {
        "budget": {"steps": 400},
        "warmup_steps": 100,
        "replay_ratio": 4,
        "learning_rate": 1e-4,
        "exploration": {"start": 0.1, "end": 0.01},
    },
}


def fingerprint(parameters: dict[str, object], folder: Path) -> str:
    return describe_provenance(parameters, folder)["parameters"]


def test_parameters_are_the_same_whether_they_were_built_or_not(tmp_path: Path) -> None:
    built = {**RAW, "stage": StageOptions.model_validate(RAW["stage"])}
    assert fingerprint(built, tmp_path) == fingerprint(RAW, tmp_path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("replay_ratio", 5), ("learning_rate", 2e-4), ("exploration", {"start": 0.1, "end": 0.1})],
)
def test_a_changed_parameter_changes_the_fingerprint(
    tmp_path: Path, name: str, value: object
) -> None:
    stage = RAW["stage"]
    assert isinstance(stage, dict)
    changed = {**RAW, "stage": {**stage, name: value}}
    assert fingerprint(changed, tmp_path) != fingerprint(RAW, tmp_path)


def test_outside_of_git_the_commit_is_unknown(tmp_path: Path) -> None:
    facts = describe_provenance(RAW, tmp_path)
    assert facts["commit"] == "unknown"
    assert facts["numba"]
