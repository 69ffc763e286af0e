"""The expert's training and its challenge to the reigning one."""

from typing import Any, Literal, cast

import numpy as np
import pandas as pd
import pytest

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.gate import pass_gate
from qwop_wr.agents.learners.options import PPOOptions
from qwop_wr.agents.schedules import TrainingBudget
from qwop_wr.agents.state import TrainingState
from qwop_wr.compute import SERIAL
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.errors import BadInputError
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.pipelines.expert import nodes
from qwop_wr.pipelines.expert.nodes import (
    GateOptions,
    coach_champion,
    coach_expert,
    crown_successor,
    refine_expert,
    search_with_expert,
    select_expert,
    select_guides,
    take_candidate,
    take_trained,
    train_expert,
)
from qwop_wr.pipelines.expert.progress import trace_progress
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.training.nodes import Stage
from qwop_wr.search import SearchOptions, refinement
from qwop_wr.search.hunt import HuntOptions
from qwop_wr.search.options import RoundBudget
from qwop_wr.search.parallel import Search
from qwop_wr.search.refinement import GuideRefinement, RefinementOptions, deciding_every
from qwop_wr.simulator.tape import Tape, verify_tape
from tests.search.agents import make_agent
from tests.search.test_refinement import OPTIONS as TOY

EVALUATION = EvaluationOptions(max_ticks=40)
OPTIONS = PPOOptions.model_validate(
    {
        "budget": {"steps": 256},
        "net_arch": [8],
        "n_steps": 16,
        "batch_size": 64,
        "evaluation_every": 128,
        "evaluation_starts": 4,
        "save_every": 128,
        "progress_bar": False,
    }
)


def _states(
    reigning: Agent | None,
    environment: EnvironmentOptions,
    interrupted: TrainingState | None = None,
    resume: bool = False,
    options: PPOOptions = OPTIONS,
    begins_with: Literal["random", "reigning"] = "random",
) -> list[TrainingState]:
    return list(
        train_expert(
            interrupted=interrupted,
            reigning=reigning,
            environment=environment,
            games=GamesOptions(n_games=8),
            options=options,
            begins_with=begins_with,
            evaluation=EVALUATION,
            seed=1,
            resume=resume,
        )
    )


def _train(reigning: Agent | None, environment: EnvironmentOptions) -> Agent:
    agent, history = take_trained(_states(reigning, environment)[-1])
    assert "evaluation/mean_distance" in set(history["metric"])
    return agent


def test_an_interrupted_training_goes_on_only_if_asked_to(environment: EnvironmentOptions) -> None:
    first, second = _states(None, environment)
    assert [state.facts["steps"] for state in (first, second)] == [128, 256]
    resumed = _states(None, environment, first, resume=True)
    assert [state.facts["steps"] for state in resumed] == [256]
    for name in ("policy/actor_output.weight", "optimiser/0.exp_avg", "rest/returns"):
        assert resumed[0].arrays[name].tobytes() == second.arrays[name].tobytes()
    anew = _states(None, environment, first, resume=False)
    np.testing.assert_array_equal(
        anew[0].arrays["policy/actor_output.weight"], first.arrays["policy/actor_output.weight"]
    )
    other = OPTIONS.model_copy(update={"gamma": 0.5})
    with pytest.raises(BadInputError, match="interrupted_expert_training: .* other options"):
        _states(None, environment, first, resume=True, options=other)


def test_rounds_begin_with_the_candidate_and_go_on_from_their_own(
    environment: EnvironmentOptions,
) -> None:
    options = TOY.model_copy(update={"budget": RoundBudget(rounds=1)})
    candidate = make_agent(1).with_card(seed=5)

    def begin(
        interrupted: dict[str, Agent],
        resume: bool = True,
        options: RefinementOptions = options,
        candidate: Agent = candidate,
    ) -> dict[str, Agent]:
        guides, summary, tape = next(
            refine_expert(candidate, interrupted, environment, options, 0, resume)
        )
        assert summary["rounds"][0]["round"] == 0
        verify_tape(tape)
        return guides

    # Own guides, with other weights, so that one sees where the rounds began.
    refined = {"guide_1": make_agent(3).with_card(**begin({})["guide_1"].card)}
    again, anew = refined["guide_1"].fingerprint, candidate.fingerprint
    assert begin(refined)["guide_1"].fingerprint == again
    assert begin(refined, resume=False)["guide_1"].fingerprint == anew
    assert begin({})["guide_1"].fingerprint == anew
    longer = options.model_copy(update={"budget": RoundBudget(rounds=2)})
    assert begin(refined, options=longer)["guide_1"].fingerprint == again
    # An equal seed makes no descent: neither of another candidate nor by other options.
    other = make_agent(2).with_card(seed=5)
    assert begin(refined, candidate=other)["guide_1"].fingerprint == other.fingerprint
    changed = options.model_copy(update={"gamma": 0.9})
    assert begin(refined, options=changed)["guide_1"].fingerprint == anew


def test_the_search_begins_with_the_fastest_run_known(
    finish: Tape, environment: EnvironmentOptions
) -> None:
    guides = {"guide_1": make_agent(1)}
    options = HuntOptions(
        budget=RoundBudget(rounds=1),
        first_width=4,
        max_width=4,
        whole_runs=1,
        branches=0,
        search=SearchOptions(max_ticks=20),
    )
    fallen = Tape.record(np.full(60, 5, dtype=np.uint8), platform="node")

    def search(found: Tape, interrupted: Tape | None, resume: bool) -> Tape:
        steps = search_with_expert(
            guides, found, interrupted, environment, options, 0, resume, SERIAL
        )
        *_, (tape, summary) = steps
        assert summary["best_time"] == (tape.score_time if tape.finished else None)
        return tape

    assert search(finish, None, resume=False) == finish
    assert search(fallen, finish, resume=True) == finish
    assert search(fallen, finish, resume=False) == fallen


def test_reigning_guides_stay_unless_searches_with_the_new_ones_are_faster(
    environment: EnvironmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    reigning, new = {"guide_1": make_agent(1)}, {"guide_1": make_agent(2)}
    measured: list[tuple[str, int]] = []
    times = {reigning["guide_1"].fingerprint: 50.0}

    def measure(self: GuideRefinement, agent: Agent, first: int = 0) -> float:
        measured.append((agent.fingerprint, first))
        return times[agent.fingerprint]

    monkeypatch.setattr(GuideRefinement, "measure", measure)
    for time, promoted in ((51.0, False), (50.0, False), (49.0, True)):
        times[new["guide_1"].fingerprint] = time
        kept, report = select_guides(new, reigning, environment, TOY, 0)
        assert kept == (new if promoted else reigning)
        assert report == {"incoming": 50.0, "outgoing": time, "promoted": promoted}
    # Both by searches that no round of either was chosen by.
    assert {first for _, first in measured} == {TOY.gate_searches}
    assert len(measured) == 6
    assert select_guides(new, {}, environment, TOY, 0)[0] == new


def test_guides_are_measured_by_other_searches_than_rounds(
    environment: EnvironmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[list[int]] = []

    def note(guides: object, environment: object, searches: list[Search], *_: object) -> list[Any]:
        searched.append([np.ravel(search.seed)[-1] for search in searches])
        return []

    monkeypatch.setattr(refinement, "run_searches", note)
    monkeypatch.setattr(refinement, "mean_time", lambda results: 0.0)
    gate = GuideRefinement(environment, TOY, 0)
    gate.measure(make_agent(1))
    gate.measure(make_agent(1), first=TOY.gate_searches)
    rounds, apart = searched
    assert len(rounds) == len(apart) == TOY.gate_searches
    assert not set(rounds) & set(apart)


def test_training_from_nothing_gives_an_agent_for_the_environment(
    environment: EnvironmentOptions,
) -> None:
    agent = _train(None, environment)
    agent.check_interface(environment.interface)
    assert agent.spec.algorithm == "ppo"
    assert (agent.card["stage"], agent.card["platform"]) == ("expert", environment.platform)


def test_first_expert_needs_no_rival(agent: Agent, environment: EnvironmentOptions) -> None:
    chosen, report = select_expert(
        agent, None, environment, EVALUATION, GateOptions(starts=4), seed=1
    )
    assert chosen is agent
    assert report["incoming"] is None
    assert report["promoted"]


def test_reigning_expert_stays_unless_it_is_beaten(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    candidate = _train(agent, environment)
    chosen, report = select_expert(
        candidate, agent, environment, EVALUATION, GateOptions(starts=4), seed=1
    )
    better = (
        report["outgoing"]["mean_distance"] >= report["incoming"]["mean_distance"]
        and report["outgoing"]["finish_rate"] >= report["incoming"]["finish_rate"]
    )
    assert chosen.fingerprint == (candidate if report["promoted"] else agent).fingerprint
    assert better or not report["promoted"]


def test_the_reigning_expert_is_met_on_starts_that_it_was_not_chosen_on(
    agent: Agent, environment: EnvironmentOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    met: list[list[int]] = []

    def note(incoming: Any, candidates: Any, games: Any, seeds: list[int]) -> Any:
        met.append(seeds)
        return pass_gate(incoming, candidates, games, seeds)

    monkeypatch.setattr(nodes, "pass_gate", note)
    chosen = make_agent(1)
    select_expert(chosen, None, environment, EVALUATION, GateOptions(starts=4), seed=1)
    for reigning in (chosen, make_agent(2), chosen):
        select_expert(agent, reigning, environment, EVALUATION, GateOptions(starts=4), seed=1)
    first, second, other, again = met
    assert second == again
    assert not set(first) & set(second)
    assert not set(second) & set(other)


def test_expert_of_another_environment_is_not_overwritten(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    other = environment.model_copy(update={"actions": "full"})
    with pytest.raises(BadInputError, match="reigning_expert_agent: .* actions = 'minimal'"):
        _train(agent, other)


def test_a_training_can_go_on_from_the_reigning_expert(
    environment: EnvironmentOptions,
) -> None:
    reigning = _train(None, environment)
    untouched = OPTIONS.model_copy(update={"budget": TrainingBudget(steps=0)})
    *_, end = _states(reigning, environment, options=untouched, begins_with="reigning")
    assert take_trained(end)[0].fingerprint == reigning.fingerprint
    learnt, *_ = _states(reigning, environment, begins_with="reigning")
    anew, *_ = _states(None, environment)
    name = "policy/actor_output.weight"
    assert learnt.arrays[name].tobytes() != anew.arrays[name].tobytes()
    with pytest.raises(BadInputError, match="there is no expert_agent"):
        _states(None, environment, begins_with="reigning")


COACHING = Stage.model_validate(
    {
        "name": "expert_coaching",
        "games": {"max_ticks": 24},
        "coach": {"n_games": 4, "hazard_share": 1.0},
        "options": {
            "budget": {"steps": 0},
            "coaching": {"rounds": 2, "batch_size": 16},
            "evaluation_starts": 4,
            "gate_starts": 4,
            "progress_bar": False,
        },
    }
)


def test_the_trained_expert_learns_from_a_coach(environment: EnvironmentOptions) -> None:
    trained = _train(None, environment)

    def coach(interrupted: TrainingState | None = None) -> list[TrainingState]:
        resume = interrupted is not None
        arguments = (trained, {"guide_1": trained}, interrupted, environment, COACHING, EVALUATION)
        return list(coach_expert(*arguments, seed=1, resume=resume))

    first, *_, end = coach()
    agent, history, gate = take_candidate(end, trained)
    assert history["metric"].eq("coaching/round").sum() == 2
    assert (agent.fingerprint != trained.fingerprint) == gate["promoted"]
    assert agent.spec == trained.spec
    if gate["promoted"]:
        assert cast("Any", agent.card["coached"])["incoming"] == trained.fingerprint
    *_, again = coach(first)
    assert take_candidate(again, trained)[0].fingerprint == agent.fingerprint


def test_the_champion_goes_on_or_else_the_expert(
    agent: Agent, environment: EnvironmentOptions
) -> None:
    champion, judge, older = make_agent(1), make_agent(2), make_agent(3)
    guides = {"guide_2": older, "guide_1": judge}

    def begun_with(champion: Agent | None, reigning: Agent | None) -> tuple[Any, Any]:
        arguments = (champion, reigning, guides, None, environment, COACHING, EVALUATION)
        *_, end = coach_champion(*arguments, seed=1, resume=False)
        return end.facts["incoming agent"], end.facts["judging agent"]

    assert begun_with(champion, agent) == (champion.fingerprint, judge.fingerprint)
    assert begun_with(None, agent) == (agent.fingerprint, judge.fingerprint)
    with pytest.raises(BadInputError, match="neither a champion nor an expert"):
        begun_with(None, None)
    guides = {}
    with pytest.raises(BadInputError, match="guide_agents: there is none; make some"):
        begun_with(champion, agent)
    environment = environment.model_copy(update={"actions": "full"})
    with pytest.raises(BadInputError, match="the champion: .* actions = 'minimal'"):
        begun_with(champion, agent)


def test_a_champion_for_another_tick_length_goes_on_with_the_environments(
    environment: EnvironmentOptions,
) -> None:
    champion = make_agent(1)
    other = environment.model_copy(update={"ticks_per_action": 1})
    guides = {"guide_1": deciding_every(make_agent(2), 1)}
    arguments = (champion, None, guides, None, other, COACHING, EVALUATION)
    *_, end = coach_champion(*arguments, seed=1, resume=False)
    assert end.facts["incoming agent"] == deciding_every(champion, 1).fingerprint
    assert take_candidate(end, champion)[0].spec.ticks_per_action == 1


def test_a_new_expert_is_champion_and_a_refused_one_is_not(agent: Agent) -> None:
    champion, successor = make_agent(1), make_agent(2)
    crowned = crown_successor(successor, {"promoted": True}, champion, agent)
    assert crowned.fingerprint == successor.fingerprint
    assert crowned.card["defeated"] == sorted([champion.fingerprint, agent.fingerprint])
    assert crown_successor(successor, {"promoted": False}, champion, agent) is champion
    assert crown_successor(successor, {"promoted": False}, None, agent) is agent
    # A champion that no coach made better may still beat the expert.
    assert crown_successor(champion, {"promoted": True}, champion, agent).card["defeated"] == [
        agent.fingerprint
    ]


def test_nobody_coaches_an_expert_where_clones_are_slow(environment: EnvironmentOptions) -> None:
    box2d = environment.model_copy(update={"engine": "box2d"})
    trained = _train(None, box2d)
    guides = {"guide_1": trained}
    *_, end = coach_expert(trained, guides, None, box2d, COACHING, EVALUATION, seed=1, resume=False)
    agent, history, _ = take_candidate(end, trained)
    assert agent.fingerprint == trained.fingerprint
    assert "coaching/round" not in set(history["metric"])


def test_findings_are_listed_by_the_processor_time_since_random_weights() -> None:
    def history(*evaluations: tuple[int, float, float]) -> pd.DataFrame:
        rows = [
            (step, metric, value)
            for step, minutes, time in evaluations
            for metric, value in (("time/core_minutes", minutes), ("evaluation/best_time", time))
        ]
        return pd.DataFrame(rows, columns=["step", "metric", "value"])

    rounds = [{"best_time": 40.0, "mean_time": 41.0, "core_seconds": 60.0}]
    found = [{"time": 39.0, "core_seconds": 30.0}]
    search = {"best_time": 39.0, "core_seconds": 120.0, "found": found}
    progress = trace_progress(
        history((0, 0.1, 60.0), (9, 5.0, 47.0)),
        {"rounds": rounds},
        history((0, 0.5, 47.0), (9, 2.0, 45.0)),
        search,
    )
    assert progress["phase"].tolist() == [
        *("training", "training", "rounds", "coaching", "coaching"),
        *("search", "search"),
    ]
    assert progress["core_minutes"].tolist() == [0.1, 5.0, 6.0, 6.5, 8.0, 8.5, 10.0]
    assert progress["time"].tolist()[:6] == [60.0, 47.0, 41.0, 47.0, 45.0, 39.0]
    assert progress["best_tape"].dropna().tolist() == [40.0, 39.0, 39.0]
    no_rounds = pd.DataFrame({"step": [0], "metric": ["evaluation/best_time"], "value": [47.0]})
    uncoached = trace_progress(history((9, 5.0, 47.0)), {"rounds": rounds}, no_rounds, search)
    assert uncoached["core_minutes"].tolist() == [5.0, 6.0, 6.5, 8.0]
