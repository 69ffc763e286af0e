"""Noticing that a learner has forgotten, and bringing it back."""

from qwop_wr.agents.checkpoints import Checkpoints
from qwop_wr.agents.gate import AgentScore
from qwop_wr.agents.metrics import MetricHistory
from qwop_wr.agents.qrdqn import DemonstrationQRDQN


class CollapseGuard:
    """Rolls a learner back to its best checkpoint when it has collapsed.

    It has if finish rate or mean distance fall below a set share of the best checkpoint's.

    Args:
        learner: The learner.
        checkpoints: Where the best agent is.
        history: Where collapses are recorded, as ``collapse/...``.

    Attributes:
        rollbacks: Collapses that were answered.
        collapses: Collapses that were seen.
    """

    def __init__(
        self, learner: DemonstrationQRDQN, checkpoints: Checkpoints, history: MetricHistory
    ) -> None:
        self._learner = learner
        self._checkpoints = checkpoints
        self._history = history
        self.rollbacks = 0
        self.collapses = 0

    def watch(self, score: AgentScore, step: int) -> None:
        """Look at an evaluation of the learner, and act on it.

        Args:
            score: Score of the learner as it is.
            step: Decisions made so far.
        """
        best, options = self._checkpoints.ranked[0], self._learner.options
        least = options.collapse_fraction
        if (
            score.finish_rate >= least * best.score.finish_rate
            and score.mean_distance >= least * best.score.mean_distance
        ):
            return
        self.collapses += 1
        if self.rollbacks < options.max_rollbacks:
            self.rollbacks += 1
            self._learner.roll_back(best.agent.weights)
        counts = {
            "collapse/collapses": float(self.collapses),
            "collapse/rollbacks": float(self.rollbacks),
            "collapse/rate_factor": self._learner.rate_factor,
        }
        self._history.record(counts, step)
