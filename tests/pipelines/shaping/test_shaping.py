"""Ways of shaping: trained once each, then summed up."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.shaping.nodes import tabulate_shaped, train_shaped
from qwop_wr.pipelines.shaping.options import ShapingStudyOptions
from qwop_wr.pipelines.variants import Cell

EVALUATION = EvaluationOptions(seeds=4, max_ticks=60)
POSTURE = {"shaping": {"terms": {"low": {"term": "posture", "weight": 0.02}}}}


def options(**changes: Any) -> ShapingStudyOptions:
    fields = {
        "seeds": [1],
        "variants": {"none": {}, "posture": POSTURE, "sink_height": {"sink_height": 1.3}},
        "environment": {"max_ticks": 60},
        "games": {"n_games": 2},
        "learner": {
            "budget": {"steps": 64},
            "net_arch": [8],
            "n_steps": 16,
            "batch_size": 32,
            "n_epochs": 1,
            "evaluation_every": 32,
            "evaluation_starts": 2,
            "progress_bar": False,
        },
        **changes,
    }
    return ShapingStudyOptions.model_validate(fields)


def train(study: ShapingStudyOptions, finished: dict[str, Cell] | None = None) -> dict[str, Cell]:
    stored: dict[str, Callable[[], Cell]] = {
        key: partial(dict, cell) for key, cell in (finished or {}).items()
    }
    cells: dict[str, Cell] = {}
    for cell in train_shaped(stored, EVALUATION, study):
        cells |= cell
    return cells


def test_every_variant_is_trained_and_measured_once() -> None:
    cells = train(options())
    assert list(cells) == ["none/1", "posture/1", "sink_height/1"]
    for cell in cells.values():
        assert cell["steps"] == 64
        assert cell["seeds_evaluated"] == 4
        assert 0 <= cell["scraping"] <= 1
        assert cell["median_time"] is None
    more = train(options(seeds=[1, 2]), cells)
    shown = options().model_dump()["learner"] | {"log_every": 1}
    assert train(options(learner=shown), cells) == {}, "what is shown changes nothing"
    assert list(more) == ["none/2", "posture/2", "sink_height/2"]
    heavier = {"low": {"term": "posture", "weight": 0.03}}
    changed = options(variants={"none": {}, "posture": {"shaping": {"terms": heavier}}})
    assert list(train(changed, cells)) == ["posture/1"]
    table, text = tabulate_shaped(
        {key: partial(dict, cell) for key, cell in cells.items()}, options()
    )
    assert table["scraping"].tolist() == [cell["scraping"] for cell in cells.values()]
    assert text.splitlines()[0] == (
        "| variant | seeds | a knee near the ground | finish rate | median time | mean distance |"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": {}}, "shaping.variants.wild: .*shape"),
        ({"shaping": {"terms": {"low": {"term": "stature", "weight": 1}}}}, "'posture', 'knees'"),
    ],
)
def test_changes_that_do_not_fit_are_told_before_anything_is_trained(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        train(options(variants={"none": {}, "wild": change}))
