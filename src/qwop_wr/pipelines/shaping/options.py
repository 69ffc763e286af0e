"""Which ways of shaping are compared."""

from qwop_wr.agents.learners.options import PPOOptions
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.variants import VariantsOptions


class ShapingStudyOptions(VariantsOptions):
    """Variants of the games that PPO learns in; all are evaluated alike."""

    environment: EnvironmentOptions
    """Game of all variants, instead of the one that other pipelines share."""
    games: GamesOptions
    """Games to learn in, before a variant's changes."""
    learner: PPOOptions
    """How every variant learns; limited in steps, so that all learn from as much."""

    def variant_games(self, name: str) -> GamesOptions:
        """Apply a variant's changes.

        Args:
            name: Name of the variant.

        Returns:
            The variant's games.

        Raises:
            ValueError: If a change does not fit.
        """
        return GamesOptions.model_validate(self.games.model_dump() | self.variants[name])
