import pytest
from pydantic import ValidationError

from qwop_wr.agents.spec import AgentSpec
from tests.agents.conftest import make_ppo_spec, make_spec
from tests.agents.corridor import INTERFACE


def test_a_quantile_agent_needs_quantiles() -> None:
    with pytest.raises(ValidationError, match="needs n_quantiles"):
        make_spec(n_quantiles=None)


@pytest.mark.parametrize("surplus", [{"n_quantiles": 5}, {"layer_norm": True}])
def test_a_ppo_agent_has_no_quantile_options(surplus: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="neither n_quantiles nor layer_norm"):
        make_spec(**{"algorithm": "ppo", "layer_norm": False, "n_quantiles": None, **surplus})


@pytest.mark.parametrize(
    ("field", "value"),
    [("net_arch", ()), ("net_arch", (8, 0)), ("n_actions", 0), ("reward_scale", 0.0)],
)
def test_numbers_must_make_sense(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=field):
        make_spec(**{field: value})


def test_the_interface_it_was_trained_for_passes() -> None:
    make_ppo_spec().check_interface(INTERFACE)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("observation", "absolute"),
        ("actions", "full"),
        ("ticks_per_action", 4),
        ("n_observations", 60),
        ("n_actions", 16),
    ],
)
def test_another_interface_is_refused_by_name(key: str, value: str | int) -> None:
    with pytest.raises(ValueError, match=f"trained with {key} = .*environment has {value!r}"):
        make_spec().check_interface({**INTERFACE, key: value})


def test_an_incomplete_interface_is_refused() -> None:
    incomplete = {key: value for key, value in INTERFACE.items() if key != "actions"}
    with pytest.raises(ValueError, match="does not say its 'actions'"):
        make_spec().check_interface(incomplete)


def test_a_recurrent_agent_has_an_lstm_and_no_other_does() -> None:
    recurrent = make_ppo_spec().model_dump() | {"algorithm": "recurrent_ppo", "lstm_size": 8}
    assert AgentSpec.model_validate(recurrent).identity()["lstm_size"] == 8
    assert "lstm_size" not in make_ppo_spec().identity(), "fingerprints stay what they were"
    for wrong in ({"lstm_size": None}, {"algorithm": "ppo"}, {"layer_norm": True}):
        with pytest.raises(ValidationError, match="lstm_size|layer_norm"):
            AgentSpec.model_validate(recurrent | wrong)
