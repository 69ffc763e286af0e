from typing import Any

import numpy as np
import pandas as pd
import pytest

from qwop_wr.evaluation.comparison import compare_agents
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.summary import summarise
from qwop_wr.pipelines.reporting.content import ReportInputs
from qwop_wr.simulator.tape import Tape
from tests.evaluation.tables import episode_table, gate

PROMOTED = gate((0.3, 70.0, 61.0), (0.5, 68.0, 70.0), promoted=True)
KEPT = gate((0.0, None, 24.0), (0.0, None, 19.0), promoted=False)

CHAMPIONSHIP: dict[str, Any] = {
    "challenger": "a" * 64,
    "champion": "e" * 64,
    "crowned": False,
    "comparisons": {
        "expert": compare_agents(
            episode_table([46.0, None, 48.0]),
            episode_table([45.0, 47.0, 47.5]).assign(agent="e" * 64),
            np.random.default_rng(0),
        ).to_json()
    },
}


def history(stage: int) -> pd.DataFrame:
    steps = np.repeat(np.arange(0, 1001, 250), 2)
    metrics = ["evaluation/mean_distance", "evaluation/finish_rate"] * 5
    values = np.linspace(10 * stage, 10 * stage + 9, 10)
    return pd.DataFrame({"step": steps, "metric": metrics, "value": values})


def make_inputs(
    times: list[float | None],
    tape: Tape,
    gates: dict[str, dict[str, Any]],
    provenance: dict[str, Any] | None = None,
) -> ReportInputs:
    episodes = episode_table(times)
    native = episode_table([None], distances=[12.0], protocol="native")
    options = EvaluationOptions(seeds=len(times), bootstrap_resamples=200)
    return ReportInputs(
        summary=summarise(episodes, native, gates, options, np.random.default_rng(0)),
        episodes=episodes,
        tapes={"native": tape},
        guests={},
        championship=CHAMPIONSHIP,
        ablations=None,
        gates=gates,
        histories={name: history(rank) for rank, name in enumerate(gates, start=1)},
        demonstrations={"episodes": 50, "successes": 0, "transitions": 31204},
        provenance={"git_commit": "0123abc"} if provenance is None else provenance,
    )


@pytest.fixture(scope="session")
def tape() -> Tape:
    """A short run that ends with a fall."""
    keys = np.repeat(np.array([6, 9, 4], dtype=np.uint8), [12, 10, 200])
    return Tape.record(keys, engine="box2d", meta={"protocol": "native", "seed": 0})


@pytest.fixture
def finishing(tape: Tape) -> ReportInputs:
    times = [46.0, 48.0, None, 47.5, 51.0, None, 45.2, 49.0]
    return make_inputs(times, tape, {"dqnfd": PROMOTED, "velocity": KEPT})


@pytest.fixture
def fallen(tape: Tape) -> ReportInputs:
    return make_inputs([None], tape, {"dqnfd": KEPT, "self_play": KEPT, "velocity": KEPT})
