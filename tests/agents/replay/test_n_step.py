import numpy as np
import pytest

from qwop_wr.agents.replay.n_step import n_step_returns


@pytest.mark.parametrize("n", [1, 3, 6])
def test_returns_equal_a_naive_loop(n: int) -> None:
    rng = np.random.default_rng(n)
    rewards = rng.normal(size=(200, n)).astype(np.float32)
    ends = rng.random((200, n)) < 0.3
    sums = n_step_returns(rewards, ends, gamma=0.9)
    for row in range(200):
        expected, steps = 0.0, 0
        for reward, end in zip(rewards[row], ends[row], strict=True):
            expected += 0.9**steps * float(reward)
            steps += 1
            if end:
                break
        assert sums.returns[row] == pytest.approx(expected, rel=1e-5, abs=1e-6)
        assert sums.last[row] == steps - 1
        assert sums.discounts[row] == pytest.approx(0.9**steps)
