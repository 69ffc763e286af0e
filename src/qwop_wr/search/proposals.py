"""Which actions to try from a state."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def propose_actions(
    logits: Floats, n_proposals: int, temperature: float, rng: np.random.Generator | None
) -> NDArray[np.int64]:
    """Choose different actions for every state.

    With a generator the actions are drawn without repetition from the softmax
    of the logits divided by the temperature: the largest of logits with Gumbel
    noise (https://arxiv.org/abs/1903.06059). Without one the best are taken.

    Args:
        logits: Shape (n, n_actions).
        n_proposals: Actions per state; all if there are fewer.
        temperature: Divides the logits.
        rng: Source of the draws.

    Returns:
        Action indices, the first choice first, shape (n, n_proposals).
    """
    keys = logits.astype(np.float64) / temperature  # (n, n_actions)
    if rng is not None:
        keys += rng.gumbel(size=keys.shape)
    return np.argsort(-keys, axis=1, kind="stable")[:, :n_proposals]
