"""Environments and parameters that no pipeline can use are refused."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from qwop_wr.errors import BadInputError
from qwop_wr.hooks.configuration import find_problems
from tests.tiny_project.project import TinyProject


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    depth: int = 1


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")

    steps: int = Field(gt=0)
    mode: Literal["fast", "slow"] = "fast"
    inner: Inner = Inner()
    maybe: Inner | None = None


READ = {"evaluation.options": Options, "evaluation.seeds": int, "seed": int, "free": Any}
GOOD: dict[str, Any] = {
    "evaluation": {"options": {"steps": 3}, "seeds": 500},
    "seed": 1,
    "free": {"what": {"ever": [1]}},
}


def merged(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}


def evaluation(**changes: Any) -> dict[str, Any]:
    return merged(evaluation={**GOOD["evaluation"], **changes})


@pytest.mark.parametrize(
    "parameters",
    [
        GOOD,
        {},
        merged(free=None),
        merged(free={}),
        evaluation(options={"steps": 3, "maybe": None, "inner": {"depth": 2}}),
    ],
)
def test_what_is_read_is_fine(parameters: dict[str, Any]) -> None:
    assert find_problems(parameters, READ) == []


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        (
            merged(evaluatoin={"seeds": 5}),
            "evaluatoin.seeds = 5: no pipeline reads it; did you mean 'evaluation.seeds'?",
        ),
        (merged(zzz=1), "zzz = 1: no pipeline reads it; known: evaluation, free, seed"),
        (
            evaluation(sede=5),
            "evaluation.sede = 5: no pipeline reads it; did you mean 'evaluation.seeds'?",
        ),
        (
            merged(evaluation=3),
            "evaluation = 3: it must be a block with the keys options, seeds",
        ),
        (
            evaluation(options={"stepz": 5, "steps": 1}),
            "evaluation.options.stepz = 5: there is no such key; "
            "did you mean 'evaluation.options.steps'?",
        ),
        (
            evaluation(options={"steps": 1, "inner": {"dept": 5}}),
            "evaluation.options.inner.dept = 5: there is no such key; "
            "did you mean 'evaluation.options.inner.depth'?",
        ),
        (
            evaluation(options={"steps": 0}),
            "evaluation.options.steps = 0: Input should be greater than 0",
        ),
        (evaluation(options={}), "evaluation.options.steps is missing"),
        (
            evaluation(options={"steps": 1, "mode": "quick"}),
            "evaluation.options.mode = 'quick': Input should be 'fast' or 'slow'",
        ),
        (evaluation(seeds="many"), "evaluation.seeds = 'many': Input should be a valid integer"),
        (
            evaluation(options=4),
            "evaluation.options = 4: Input should be a valid dictionary or instance of Options",
        ),
    ],
)
def test_problems_name_key_value_and_what_is_right(
    parameters: dict[str, Any], problem: str
) -> None:
    (found,) = find_problems(parameters, READ)
    assert found.startswith(problem)


def test_all_problems_are_found() -> None:
    parameters = {"evaluation": {"options": {"steps": -1, "mode": 1}}, "sed": 1, "seed": "a"}
    keys = [problem.split(" ")[0] for problem in find_problems(parameters, READ)]
    assert keys == ["sed", "evaluation.options.steps", "evaluation.options.mode", "seed"]


class TestInASession:
    def test_one_line_before_anything_happens(self, tiny_project: TinyProject) -> None:
        with pytest.raises(BadInputError) as caught:
            tiny_project.run(params={"world": {"engine": "box3d"}, "sedd": 1})
        assert caught.value.message == (
            "parameters: sedd = 1: no pipeline reads it; did you mean 'seed'?; "
            "world.engine = 'box3d': Input should be 'exact' or 'box2d'"
        )
        assert tiny_project.runs() == {}
        assert not (tiny_project.path / "data").exists()

    def test_many_problems_are_counted(self, tiny_project: TinyProject) -> None:
        with pytest.raises(BadInputError, match=r"and 2 more$"):
            tiny_project.run(params={name: 1 for name in "abcde"})

    def test_unknown_environment(self, tiny_project: TinyProject) -> None:
        with pytest.raises(BadInputError, match=r"no environment 'smok' .* mean 'smoke'"):
            tiny_project.run(env="smok")

    def test_environments_merge_softly(self, tiny_project: TinyProject) -> None:
        tiny_project.run(env="smoke")
        options = tiny_project.runs()["default (smoke)"].data.params
        assert options["stage.options.steps"] == "2"
        assert options["stage.options.rate.start"] == "0.5"
