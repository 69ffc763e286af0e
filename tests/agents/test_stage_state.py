"""A training that was interrupted goes on with all it had."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from qwop_wr.agents.checkpoints import Checkpoints
from qwop_wr.agents.collapse import CollapseGuard
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.stage import StageResult
from qwop_wr.agents.stage_state import TrainingParts, capture, restore
from qwop_wr.agents.state import TrainingState
from qwop_wr.agents.trainer import StageGames, train_stage
from qwop_wr.metric_sink import silent_sink
from tests.agents.conftest import make_walker, walk
from tests.agents.corridor import INTERFACE, CorridorVecEnv, CorridorVectorEnv
from tests.agents.test_qrdqn import make_learner, make_options

OPTIONS = make_options(
    budget={"steps": 1700},
    demonstration_share=0.25,
    elite_share=0.25,
    elite_runs=5,
    pretraining_steps=20,
    replay_ratio=4.0,
    exploration={"start": 0.3, "end": 0.0},
    learning_rate={"start": 1e-3, "end": 1e-4},
    priorities={},
    save_every=800,
)


@dataclass
class Memory:
    """Keeps states, and interrupts the training after some of them."""

    states: list[TrainingState] = field(default_factory=list)
    interrupt_after: int = 0

    def load(self) -> TrainingState | None:
        return self.states[-1] if self.states else None

    def save(self, state: TrainingState) -> None:
        self.states.append(state)
        if len(self.states) == self.interrupt_after:
            raise KeyboardInterrupt


def train(memory: Memory, seed: int = 3) -> StageResult:
    games = StageGames(CorridorVecEnv(4), CorridorVectorEnv(8, autoreset=False))
    spec = OPTIONS.agent_spec(INTERFACE, "toy")
    return train_stage(OPTIONS, games, spec, make_walker(spec), walk(3), seed, keeper=memory)


@pytest.fixture(scope="module")
def interrupted() -> TrainingState:
    memory = Memory(interrupt_after=1)
    with pytest.raises(KeyboardInterrupt):
        train(memory)
    return memory.states[0]


def test_a_stage_goes_on_with_buffers_schedules_and_generators(interrupted: TrainingState) -> None:
    memory = Memory([interrupted])
    result = train(memory)
    evaluated = result.history[result.history["metric"] == "evaluation/finish_rate"]
    # The evaluations before the interruption are part of the history, none is repeated.
    assert evaluated["step"].tolist() == [0, 0, 500, 1000, 1500, 1700]
    pretraining = result.history["metric"].str.startswith("pretraining/")
    assert result.history.loc[pretraining, "step"].max() == 20
    rates = result.history[result.history["metric"] == "train/learning_rate"]
    after = rates[rates["step"] > 800]
    assert len(after)
    np.testing.assert_allclose(after["value"], 1e-3 - 9e-4 * after["step"] / 1700, rtol=0.03)
    assert len(memory.states) == 2
    end = memory.states[1]
    assert end.facts["num_timesteps"] == 1600
    counters: Any = end.facts["learner"]
    assert counters["n_updates"] == 20 + (1600 - 200) * 4 // 32
    for name in ("experience/rewards", "experience/sampler.priorities"):
        assert len(end.arrays[name].ravel()) == 2 * len(interrupted.arrays[name].ravel())
    half = interrupted.arrays["experience/observations"]
    np.testing.assert_array_equal(end.arrays["experience/observations"][: len(half)], half)


def test_going_on_twice_gives_the_same_weights(interrupted: TrainingState) -> None:
    first, second = (train(Memory([interrupted])).agent.fingerprint for _ in range(2))
    assert first == second


def test_a_copy_holds_everything(interrupted: TrainingState) -> None:
    # Interrupted again before a step is made, the state comes out as it went in.
    learner, history = make_learner(OPTIONS, walk(3), seed=3), MetricHistory(silent_sink)
    checkpoints = Checkpoints(CorridorVectorEnv(8, autoreset=False), range(8), history)
    guard = CollapseGuard(learner, checkpoints, history)
    parts = TrainingParts(learner, checkpoints, guard, history)
    restore(parts, interrupted)
    again = capture(parts, str(interrupted.facts["task"]))
    assert again.arrays.keys() == interrupted.arrays.keys()
    for name, array in interrupted.arrays.items():
        if name != "experience/broken_off":
            np.testing.assert_array_equal(again.arrays[name], array, err_msg=name)
    facts = dict(again.facts)
    assert {**facts, "elapsed": 0} == {**interrupted.facts, "elapsed": 0}
    assert again.arrays["experience/broken_off"].sum() == 4
    # Both learn the same from then on.
    other = make_learner(OPTIONS, walk(3), seed=3)
    restore(TrainingParts(other, checkpoints, guard, history), again)
    for one in (learner, other):
        one.set_logger(learner.logger)
        one.train(64, 32)
    for ours, theirs in zip(learner.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_another_task_begins_anew(interrupted: TrainingState) -> None:
    memory = Memory([interrupted])
    result = train(memory, seed=4)
    evaluated = result.history[result.history["metric"] == "evaluation/finish_rate"]
    assert evaluated["step"].tolist() == [0, 0, 500, 1000, 1500, 1700]
    assert [state.facts["num_timesteps"] for state in memory.states[1:]] == [800, 1600]
