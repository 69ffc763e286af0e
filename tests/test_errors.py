"""Errors in one line."""

import click
import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qwop_wr.errors import BadInputError, describe_validation_error, suggest


class Range(BaseModel):
    model_config = ConfigDict(extra="forbid")

    low: float = Field(ge=0)
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.high < self.low:
            raise ValueError("high must not be below low")
        return self


def lines(value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Range.model_validate(value)
    return describe_validation_error(caught.value, "range", ["range.low", "range.high"])


def test_line_breaks_become_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    error = BadInputError("agent.safetensors:\n   is damaged\n")
    assert error.message == "agent.safetensors: is damaged"
    assert isinstance(error, click.ClickException)
    error.show()
    assert capsys.readouterr().err == "Error: agent.safetensors: is damaged\n"


def test_validation_errors() -> None:
    assert lines({"low": -1, "high": 2}) == [
        "range.low = -1: Input should be greater than or equal to 0"
    ]
    assert lines({"low": 1}) == ["range.high is missing"]
    assert lines({"low": 1, "high": 2, "hihg": 3}) == [
        "range.hihg = 3: there is no such key; did you mean 'range.high'?"
    ]
    assert lines({"low": 3, "high": 2}) == ["range: high must not be below low"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("seedz", "did you mean 'seeds'?"),
        ("qqqqq", "known: seeds, stage"),
    ],
)
def test_suggestions(name: str, hint: str) -> None:
    assert suggest(name, ["seeds", "stage.options", "stage.name"]) == hint


def test_nothing_known() -> None:
    assert suggest("a", []) == "known: none"
