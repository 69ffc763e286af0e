"""Which variants of a stage are compared."""

from qwop_wr.agents.schedules import TrainingBudget
from qwop_wr.agents.stage import StageOptions
from qwop_wr.pipelines.variants import VariantsOptions


class AblationOptions(VariantsOptions):
    """Variants of a stage: changes to its options."""

    budget: TrainingBudget
    """Length of every training; in steps, so that all learn from as much."""

    def stage(self, name: str, base: StageOptions) -> StageOptions:
        """Apply a variant's changes.

        Args:
            name: Name of the variant.
            base: Options of the stage.

        Returns:
            The variant's options.

        Raises:
            ValueError: If a change does not fit the options.
        """
        fields = base.model_dump() | self.variants[name]
        return StageOptions.model_validate({**fields, "budget": self.budget.model_dump()})
