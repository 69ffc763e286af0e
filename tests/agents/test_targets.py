"""Values behind the targets against numbers worked out by hand."""

import numpy as np
import pytest
import torch

from qwop_wr.agents.targets import double_q_values, munchausen_bonus, soft_values


def test_the_online_choice_is_valued_by_the_target_network() -> None:
    selector = torch.tensor([[0.0, 1.0], [3.0, 1.0]])
    quantiles = torch.tensor([[[9.0, 1.0], [9.0, 2.0]], [[4.0, 8.0], [6.0, 8.0]]])
    assert double_q_values(selector, quantiles).tolist() == [[1.0, 2.0], [4.0, 6.0]]


def test_soft_values_of_a_case_worked_by_hand() -> None:
    # Means 0 and ln 3 at temperature 1: probabilities 1/4 and 3/4.
    log3 = float(np.log(3.0))
    quantiles = torch.tensor([[[-1.0, log3 - 2.0], [1.0, log3 + 2.0]]])
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    expected = [-0.25 + 0.75 * (log3 - 2.0) + entropy, 0.25 + 0.75 * (log3 + 2.0) + entropy]
    np.testing.assert_allclose(soft_values(quantiles, 1.0)[0].numpy(), expected, rtol=1e-6)
    # Soft values are temperature * logsumexp(q / temperature) on average.
    assert np.mean(expected) == pytest.approx(np.log(4.0))


def test_cold_soft_values_are_those_of_the_best_action() -> None:
    quantiles = torch.tensor([[[0.0, 5.0], [2.0, 7.0]]])
    np.testing.assert_allclose(soft_values(quantiles, 1e-3)[0].numpy(), [5.0, 7.0], rtol=1e-5)


def test_munchausen_bonus_is_the_log_policy_with_a_floor() -> None:
    q_values = torch.tensor([[0.0, float(np.log(3.0))]]).expand(3, 2)
    actions = torch.tensor([0, 1, 0])
    bonus = munchausen_bonus(q_values, actions, temperature=1.0, floor=-10.0)
    np.testing.assert_allclose(bonus.numpy(), np.log([0.25, 0.75, 0.25]), rtol=1e-5)
    assert munchausen_bonus(q_values, actions, 1.0, floor=-1.0)[0].item() == -1.0
    assert munchausen_bonus(q_values, actions, 2.0, floor=-10.0)[1].item() == pytest.approx(
        2.0 * np.log(np.sqrt(3.0) / (1.0 + np.sqrt(3.0))), rel=1e-5
    )
