"""Games that differ from the shared environment."""

import pytest
from pydantic import ValidationError

from qwop_wr.envs import EnvironmentOptions
from qwop_wr.pipelines.games import GamesOptions

SHARED = EnvironmentOptions(tick_cost=0.5, idle_ticks=3)


def test_overrides_change_what_they_name_and_nothing_else() -> None:
    own = GamesOptions(n_games=2, idle_ticks=7, sink_height=1.0).environment(SHARED)
    assert own == SHARED.model_copy(update={"idle_ticks": 7, "sink_height": 1.0})


def test_what_an_agent_must_match_cannot_be_overridden() -> None:
    with pytest.raises(ValidationError, match="ticks_per_action"):
        GamesOptions.model_validate({"n_games": 2, "ticks_per_action": 4})


def test_an_override_is_checked_like_the_option_itself() -> None:
    with pytest.raises(ValidationError, match="sticky is 1.5"):
        GamesOptions(n_games=2, sticky=1.5)


def test_only_the_games_of_a_stage_may_pay_for_speed() -> None:
    games = GamesOptions.model_validate({"n_games": 2, "velocity": {"weight": 3.0}})
    velocity = games.environment(SHARED).velocity
    assert velocity is not None
    assert velocity.weight == 3.0
    assert GamesOptions(n_games=2).environment(SHARED).velocity is None
