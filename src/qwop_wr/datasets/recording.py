"""Recorded steps together with the environment that they were recorded in."""

from collections.abc import Mapping
from dataclasses import dataclass

from qwop_wr.agents.transitions import Transitions
from qwop_wr.renames import present_name


@dataclass(frozen=True, eq=False)
class Recording:
    """Transitions that know what their numbers mean.

    Attributes:
        transitions: The recorded steps.
        interface: The environment's ``observation``, ``actions``,
            ``ticks_per_action``, ``n_observations`` and ``n_actions``.

    Raises:
        ValueError: If the steps cannot come from such an environment.
    """

    transitions: Transitions
    interface: Mapping[str, str | int]

    def __post_init__(self) -> None:
        length = self.transitions.obs.shape[1]
        if self.interface.get("n_observations") != length:
            raise ValueError(
                f"its observations have {length} numbers, but its interface says "
                f"n_observations = {self.interface.get('n_observations')!r}"
            )
        n_actions = self.interface.get("n_actions")
        largest = int(self.transitions.actions.max())
        if not isinstance(n_actions, int) or largest >= n_actions:
            raise ValueError(
                f"it holds action {largest}, but its interface says n_actions = {n_actions!r}"
            )
        interface = {
            key: present_name(value) if key == "actions" else value
            for key, value in self.interface.items()
        }
        object.__setattr__(self, "interface", interface)

    def transitions_for(self, interface: Mapping[str, str | int]) -> Transitions:
        """Hand out the steps to someone who learns in an environment of their own.

        Args:
            interface: Interface of the environment to learn in.

        Returns:
            The recorded steps.

        Raises:
            ValueError: If the environments differ, naming the first difference.
        """
        for key, recorded in self.interface.items():
            if interface.get(key) != recorded:
                raise ValueError(
                    f"the demonstrations were recorded with {key} = {recorded!r}, but the "
                    f"environment has {interface.get(key)!r}; record them again or change "
                    "the environment"
                )
        return self.transitions
