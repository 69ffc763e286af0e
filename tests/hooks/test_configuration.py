"""Environments and parameters that no pipeline can use are refused."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from kedro.framework.project import configure_project, pipelines
from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter

from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import Seed
from qwop_wr.hooks.configuration import (
    _node_annotations,
    _parameter_annotations,
    converted,
    find_problems,
)
from qwop_wr.session import ProjectSession
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


class TestConversion:
    """What the check made of a value is what nodes receive."""

    @pytest.mark.parametrize("text", ["False", "0"])
    def test_a_boolean_from_the_environment(
        self, tiny_project: TinyProject, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        tiny_project.run(pipeline_names=["counting"])
        state = tiny_project.path / "data/counting.safetensors"
        os.utime(state, (0, 0))
        monkeypatch.setenv("QWOP_RESUME", text)
        tiny_project.write("local/parameters.yml", "resume: ${oc.env:QWOP_RESUME}")
        tiny_project.run(pipeline_names=["counting"])
        # A run that went on would have found nothing to do, and saved nothing.
        assert state.stat().st_mtime > 0

    def test_a_seed_from_the_environment(
        self, tiny_project: TinyProject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "7")
        tiny_project.write("local/parameters.yml", "seed: ${oc.env:SLURM_ARRAY_TASK_ID}")
        tiny_project.run()
        assert '"seed": 7' in (tiny_project.path / "data/result.json").read_text(encoding="utf-8")

    def test_numbers_in_blocks(
        self, tiny_project: TinyProject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TICKS", "5")
        tiny_project.write("local/parameters.yml", "world: {ticks: '${oc.env:TICKS}'}")
        tiny_project.run()
        assert tiny_project.runs()["default (base)"].data.params["world.ticks"] == "5"

    def test_one_pipeline_sees_what_all_see(self) -> None:
        # Kedro makes models of the requested pipelines' blocks only.
        texts = {"evaluation": {"options": {"steps": "3", "inner": {"depth": "2"}}}, "seed": "1"}
        assert converted(texts, READ) == {
            "evaluation": {"options": {"steps": 3, "inner": {"depth": 2}}},
            "seed": 1,
        }

    @pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, None, "", "seven", "-3"])
    def test_seeds_have_bounds(self, seed: object) -> None:
        (problem,) = find_problems({"seed": seed}, {"seed": Seed})
        assert problem.startswith(f"seed = {seed!r}: ")

    @pytest.mark.parametrize("seed", [0, 2**32 - 1, "7", 1.0])
    def test_seeds_within_bounds(self, seed: object) -> None:
        assert find_problems({"seed": seed}, {"seed": Seed}) == []


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        (
            {"evaluation.seeds": 5},
            "evaluation.seeds = 5: keys have no dots; write it as a block: evaluation: {seeds: 5}",
        ),
        (
            {"evaluation": {"options.mode": "slow"}},
            "evaluation.options.mode = 'slow': keys have no dots; write it as a block under "
            "evaluation: options: {mode: 'slow'}",
        ),
        (
            {"evaluation": {"options": {"steps": 1, "inner.depth": 2}}},
            "evaluation.options.inner.depth = 2: keys have no dots; write it as a block under "
            "evaluation.options: inner: {depth: 2}",
        ),
        (
            {"evaluation.options": {"steps": 1}},
            "evaluation.options = {'steps': 1}: keys have no dots; write it as a block: "
            "evaluation: {options: {'steps': 1}}",
        ),
        (
            {"evaluatoin.seeds": 5},
            "evaluatoin.seeds = 5: keys have no dots; write it as a block: evaluation: {seeds: 5}",
        ),
        (
            {"zz.yy": 5},
            "zz.yy = 5: keys have no dots, and no pipeline reads it; known: evaluation, free, seed",
        ),
        (
            {"free": {"a": {"b.c": 1}}},
            "free.a.b.c = 1: keys have no dots, and no pipeline reads it; "
            "known: evaluation, free, seed",
        ),
    ],
)
def test_dotted_keys_are_shown_as_blocks(parameters: dict[str, Any], problem: str) -> None:
    assert find_problems(parameters, READ) == [problem]


class Named(BaseModel):
    model_config = ConfigDict(extra="forbid")

    space: dict[str, Inner] = {}
    changes: dict[str, dict[str, Any]] = {}


def test_names_that_the_user_chooses_may_have_dots() -> None:
    fine = {"named": {"space": {"learning.gamma": {"depth": 1}}, "changes": {"beta_0.5": {"x": 1}}}}
    assert find_problems(fine, {"named": Named}) == []
    dotted = {"named": {"changes": {"full": {"priorities.alpha": 1}}}}
    (problem,) = find_problems(dotted, {"named": Named})
    assert problem.startswith("named.changes.full.priorities.alpha = 1: keys have no dots")


class Catalogue(RootModel[dict[str, Options]]):
    pass


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        (
            {"all": {"slow": {"steps": 1}}, "all.slow.mode": "fast"},
            "all.slow.mode = 'fast': keys have no dots; write it as a block: "
            "all: {slow: {mode: 'fast'}}",
        ),
        (
            {"all": {"slow": {"steps": 1, "moed": "fast"}}},
            "all.slow.moed = 'fast': there is no such key; did you mean 'all.slow.mode'?",
        ),
        (
            {"named": {"space": {"learning.gamma": {"dept": 1}}}},
            "named.space.learning.gamma.dept = 1: there is no such key; "
            "did you mean 'named.space.learning.gamma.depth'?",
        ),
    ],
)
def test_suggestions_below_names_that_the_user_chooses(
    parameters: dict[str, Any], problem: str
) -> None:
    assert find_problems(parameters, {"all": Catalogue, "named": Named}) == [problem]


REPOSITORY = Path(__file__).parents[2]
ENVIRONMENTS = sorted(path.name for path in (REPOSITORY / "conf").iterdir() if path.is_dir())


@pytest.fixture
def this_project() -> Iterator[None]:
    configure_project("qwop_wr")
    yield
    pipelines.configure("qwop_wr.pipeline_registry")


@pytest.mark.usefixtures("this_project", "tracking_uri")
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_of_this_project(environment: str) -> None:
    session = ProjectSession.create(REPOSITORY, env=environment)
    context = session.load_context()
    annotations = _parameter_annotations(pipelines.values())
    once = context.config_loader["parameters"]
    assert find_problems(once, annotations) == []
    for key, annotation in annotations.items():
        raw: Any = once
        for part in key.split("."):
            raw = raw[part]
        made = TypeAdapter(annotation).validate_python(raw)
        again = converted({"at": raw}, {"at": annotation})["at"]
        assert TypeAdapter(annotation).validate_python(again) == made


@pytest.mark.usefixtures("this_project")
def test_a_parameter_has_one_type_wherever_it_is_read() -> None:
    types: dict[str, set[str]] = {}
    for pipeline in pipelines.values():
        for node in pipeline.nodes:
            for key, annotation in _node_annotations(node):
                types.setdefault(key, set()).add(repr(annotation))
    assert {key: found for key, found in types.items() if len(found) > 1} == {}
    assert not any("typing.Any" in found for (found, *_) in types.values())
