"""The recipe's incentive against its published table and against sums done by hand."""

import numpy as np
import pytest
from pydantic import ValidationError

from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.vector import QwopVectorEnv
from qwop_wr.envs.velocity import VelocityIncentive, VelocityOptions

TICKS = np.array([2])


def advance(*speeds: float) -> np.ndarray:
    """Units that two ticks at speeds on the circulating clock bring; 10 units are 1 m."""
    return np.array([10.0 * speed * 2 / 300 for speed in speeds])


def total(incentive: VelocityIncentive, *speeds: float, base: float = 0.0) -> float:
    """Reward of one game that makes decisions at those speeds."""
    rewards = [incentive.add(np.array([base]), advance(v), TICKS)[0] for v in speeds]
    return float(sum(rewards))


def plain(**changes: object) -> VelocityOptions:
    return VelocityOptions.model_validate({"acceleration_weight": 0.0, **changes})


@pytest.mark.parametrize(("speed", "published"), [(5, 112), (8, 362), (12, 995), (15, 1746)])
def test_the_published_table(speed: float, published: float) -> None:
    options = VelocityOptions(weight=2.0, exponent=2.5)
    bonus = VelocityIncentive(options, 1).bonus(np.array([float(speed)]))[0]
    assert bonus == pytest.approx(2.0 * speed**2.5)
    # Two of its four entries are not quite what its own formula gives: 998 and 1743.
    assert bonus == pytest.approx(published, rel=0.003)


def test_a_decision_is_paid_by_its_speed_beside_its_reward() -> None:
    assert total(VelocityIncentive(plain(), 1), 20.0, base=1.5) == pytest.approx(1.5 + 2 * 20**2.5)


@pytest.mark.parametrize("speed", [-7.0, 0.0, 2.99])
def test_slow_decisions_have_no_bonus(speed: float) -> None:
    assert total(VelocityIncentive(plain(), 1), speed, base=1.0) == 1.0


def test_the_exponential_form() -> None:
    incentive = VelocityIncentive(plain(weight=3.0, exponential_scale=5.0), 1)
    assert total(incentive, 10.0) == pytest.approx(3.0 * np.exp(2.0))


def test_milestones_are_paid_once_an_episode() -> None:
    options = plain(weight=0.0, milestones={10: 1.0, 15: 10.0, 20: 100.0, 25: 1000.0})
    incentive = VelocityIncentive(options, 1)
    assert total(incentive, 9.0) == 0.0
    assert total(incentive, 16.0) == 11.0
    assert total(incentive, 12.0, 16.0, 21.0) == 100.0
    incentive.begin(np.array([0]))
    assert total(incentive, 30.0) == 1111.0


def test_acceleration_is_paid_from_the_second_decision_on() -> None:
    incentive = VelocityIncentive(VelocityOptions(weight=0.0, acceleration_weight=0.5), 1)
    assert total(incentive, 8.0) == 0.0
    assert total(incentive, 12.0, 6.0, 7.0) == pytest.approx(0.5 * (4.0 + 1.0))
    incentive.begin(np.array([0]))
    assert total(incentive, 20.0) == 0.0


def test_the_whole_reward_is_clipped() -> None:
    incentive = VelocityIncentive(plain(clip=100.0), 1)
    assert total(incentive, 20.0) == 100.0
    assert total(incentive, 1.0, base=-500.0) == -100.0


def test_normalised_rewards_follow_the_running_moments() -> None:
    incentive = VelocityIncentive(plain(weight=0.0, normalise=True), 1)
    given = [3.0, 7.0, -2.0, 4.0]
    seen = [incentive.add(np.array([r]), advance(0.0), TICKS)[0] for r in given]
    assert seen[0] == 3.0, "one reward has no deviation yet"
    for n in (2, 3, 4):
        past = np.array(given[:n])
        assert seen[n - 1] == pytest.approx((past[-1] - past.mean()) / past.std(ddof=1))


def test_the_ramp_grows_weight_and_exponent() -> None:
    ramp = {"weight": 0.5, "exponent": 1.5, "decisions": 4}
    incentive = VelocityIncentive(plain(weight=2.0, exponent=2.5, ramp=ramp), 1)
    expected = [
        0.5 * 9**1.5,
        0.875 * 9**1.75,
        1.25 * 9**2.0,
        1.625 * 9**2.25,
        2 * 9**2.5,
        2 * 9**2.5,
    ]
    seen = [total(incentive, 9.0) for _ in expected]
    np.testing.assert_allclose(seen, expected)


def test_games_do_not_mix_and_a_standing_game_earns_nothing() -> None:
    options = VelocityOptions(weight=1.0, exponent=1.0, milestones={10: 5.0})
    incentive = VelocityIncentive(options, 3)
    two = np.array([2, 2, 2])
    incentive.add(np.zeros(3), advance(8.0, 20.0, 4.0), two)
    rewards = incentive.add(np.zeros(3), advance(12.0, 20.0, 0.0), np.array([2, 2, 0]))
    np.testing.assert_allclose(rewards, [12.0 + 5.0 + 0.5 * 4.0, 20.0, 0.0])


def test_the_environment_adds_it_to_its_own_reward() -> None:
    velocity = VelocityOptions(weight=1.0, exponent=1.0, least_speed=0.0, acceleration_weight=0.0)
    plain_env = QwopVectorEnv(2, EnvironmentOptions(metre_reward=1.0, tick_cost=0.0))
    paid = QwopVectorEnv(2, EnvironmentOptions(metre_reward=1.0, tick_cost=0.0, velocity=velocity))
    plain_env.reset(seed=[1, 2])
    paid.reset(seed=[1, 2])
    rng = np.random.default_rng(0)
    for _ in range(60):
        actions = rng.integers(9, size=2)
        metres, with_bonus = plain_env.step(actions)[1], paid.step(actions)[1]
        speeds = np.maximum(metres * 300 / np.maximum(paid.last_ticks, 1), 0.0)
        np.testing.assert_allclose(with_bonus, metres + speeds, atol=1e-9)


@pytest.mark.parametrize(
    "wrong", [{"weight": -1}, {"exponent": 0}, {"milestones": {-5: 1.0}}, {"speed": 3}]
)
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VelocityOptions.model_validate(wrong)
