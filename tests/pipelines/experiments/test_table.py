"""Tables of studies: interquartile means over seeds, with intervals."""

import numpy as np
import pandas as pd
import pytest

from qwop_wr.errors import BadInputError
from qwop_wr.pipelines.experiments.options import Experiments, Study
from qwop_wr.pipelines.experiments.table import Cell, tabulate
from qwop_wr.pipelines.reporting.tables import checked_table
from tests.pipelines.experiments.conftest import stored

EXPERIMENTS = Experiments.model_validate(
    {
        "full": {"hypothesis": "All parts.", "stage": {}},
        "without_margin": {"hypothesis": "One less.", "stage": {"margin_weight": 0.0}},
    }
)
NAMES = ("full", "without_margin")


def make_cell(name: str, seed: int, rate: float, time: float | None) -> Cell:
    return {
        "experiment": name,
        "algorithm": "dqnfd",
        "seed": seed,
        "task": "t",
        "finish_rate": rate,
        "mean_cost": 50.0,
        "last_finish_rate": rate,
        "rollbacks": 0,
        "processor_seconds": 90.0,
        "median_time": time,
    }


def test_the_table_has_interquartile_means_and_intervals() -> None:
    rates = [0.1, 0.5, 0.6, 0.7, 0.8]
    cells = {f"full/{i}": make_cell("full", i, rate, 46.0) for i, rate in enumerate(rates)}
    cells["without_margin/0"] = make_cell("without_margin", 0, 0.0, None)
    study = Study(experiments=NAMES, seeds=(0, 1, 2, 3, 4))
    table, text, shown = tabulate(stored(cells), EXPERIMENTS, study)
    columns, rows = checked_table(shown) or ([], [])
    assert columns[:3] == ["experiment", "algorithm", "seeds"]
    assert rows[1][:5] == ["without_margin", "dqnfd", "1", "0.0 %", "none"]
    full, other = table.to_dict("records")
    # Of five, the least and the greatest are left out.
    assert full["finish_rate"] == pytest.approx(0.6)
    assert 0.1 <= full["finish_rate_low"] < 0.6 < full["finish_rate_high"] <= 0.8
    assert (full["seeds"], other["seeds"]) == (5, 1)
    assert np.isnan(other["median_time"])
    assert np.isnan(other["finish_rate_low"])
    lines = text.splitlines()
    assert lines[2].startswith("| full | dqnfd | 5 | 60.0 % (")
    assert "46.00 s (46.00 to 46.00)" in lines[2]
    assert (
        lines[3] == "| without_margin | dqnfd | 1 | 0.0 % | none | 50.0 s | 0.0 % | 0.0 | 1.5 min |"
    )
    pd.testing.assert_frame_equal(table, tabulate(stored(cells), EXPERIMENTS, study)[0])


def test_variants_that_never_finish_have_a_table_too() -> None:
    cells = {f"{name}/1": make_cell(name, 1, 0.0, None) for name in NAMES}
    table, text, _ = tabulate(stored(cells), EXPERIMENTS, Study(experiments=NAMES, seeds=(1,)))
    assert "median_time" not in table, "nobody has one"
    assert "| full | dqnfd | 1 | 0.0 % | 50.0 s |" in text


def test_an_experiment_without_runs_is_named() -> None:
    cells = {"full/1": make_cell("full", 1, 0.5, 46.0)}
    with pytest.raises(BadInputError, match="'without_margin' has not been trained"):
        tabulate(stored(cells), EXPERIMENTS, Study(experiments=NAMES, seeds=(1,)))


def test_seeds_that_a_study_does_not_name_do_not_count() -> None:
    cells = {f"full/{seed}": make_cell("full", seed, seed / 10, 46.0) for seed in (1, 2, 3)}
    study = Study(experiments=("full",), seeds=(1, 3))
    table, _, _ = tabulate(stored(cells), EXPERIMENTS, study)
    assert table[["seeds", "finish_rate"]].to_numpy().tolist() == [[2, pytest.approx(0.2)]]
