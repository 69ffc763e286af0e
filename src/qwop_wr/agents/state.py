"""The state of a training as plain data, and the errors of trainings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pydantic import JsonValue

from qwop_wr.agents.agent import Agent
from qwop_wr.agents.spec import AgentSpec

Arrays = Mapping[str, NDArray[Any]]

MALFORMED: Final = (KeyError, IndexError, TypeError, ValueError, RuntimeError)
"""Errors that reading a malformed state may raise."""


@dataclass(frozen=True, eq=False)
class TrainingState:
    """State of a training as data; nothing in it can execute.

    Attributes:
        arrays: Weights, moments of the optimiser and whatever else is large, by name.
        facts: Everything else, as JSON.
    """

    arrays: Arrays
    facts: Mapping[str, JsonValue]

    def part(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Returns the arrays named ``prefix/name`` by the rest of their names."""
        start = f"{prefix}/"
        return {
            name.removeprefix(start): array
            for name, array in self.arrays.items()
            if name.startswith(start)
        }

    def agent(self, prefix: str, facts: Mapping[str, Any]) -> Agent:
        """Reads an agent from its weights under ``prefix`` and its ``agent_facts``."""
        return Agent(AgentSpec.model_validate(facts["spec"]), self.part(prefix), facts["card"])

    @property
    def finished(self) -> bool:
        """Whether the training has ended."""
        return self.facts.get("finished") is True

    def with_facts(self, **facts: JsonValue) -> "TrainingState":
        """Returns the state with more facts."""
        return TrainingState(self.arrays, {**self.facts, **facts})


def resumable(state: TrainingState | None, origin: Mapping[str, JsonValue]) -> TrainingState | None:
    """Returns the state if a training of this origin can continue from it, else None.

    A finished state of another training gives None: it has given its result, and nothing is
    lost by beginning anew.

    Raises:
        TrainingStateError: If it is an unfinished state of another training, or diverged.
    """
    if state is None:
        return None
    if "diverged" in state.facts:
        raise TrainingStateError(
            f"{state.facts['diverged']}; change that, and begin anew with --params=resume=false"
        )
    different = [name for name, value in origin.items() if state.facts.get(name) != value]
    if different and state.finished:
        return None
    if different:
        raise TrainingStateError(
            f"it is the state of a training with other {' and '.join(different)}; go on with "
            "those, or begin anew with --params=resume=false"
        )
    return state


def agent_facts(agent: Agent) -> dict[str, JsonValue]:
    """Returns spec and card, an agent without its weights, for ``TrainingState.agent``."""
    return {"spec": agent.spec.model_dump(mode="json"), "card": dict(agent.card)}


def prefixed(prefix: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """Prefixes the names of arrays: ``prefix/name``."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def module_arrays(module: torch.nn.Module) -> dict[str, NDArray[Any]]:
    """Copies the weights of a module, by the names of its state dictionary."""
    return {
        name: tensor.detach().cpu().numpy().copy() for name, tensor in module.state_dict().items()
    }


def load_module(module: torch.nn.Module, arrays: Arrays) -> None:
    """Sets the weights of a module from ``module_arrays``.

    Raises:
        RuntimeError: If names or shapes differ.
    """
    module.load_state_dict({name: torch.tensor(array) for name, array in arrays.items()})


def optimiser_arrays(optimiser: torch.optim.Optimizer) -> dict[str, NDArray[Any]]:
    """Copies the moments of an optimiser, not its options, by ``parameter.moment``."""
    return {
        # Not every optimiser counts its steps in a tensor.
        f"{parameter}.{moment}": torch.as_tensor(tensor).detach().cpu().numpy().copy()
        for parameter, moments in optimiser.state_dict()["state"].items()
        for moment, tensor in moments.items()
    }


def load_optimiser(optimiser: torch.optim.Optimizer, arrays: Arrays) -> None:
    """Sets the moments of an optimiser of the same parameters from ``optimiser_arrays``."""
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, array in arrays.items():
        parameter, moment = name.split(".", 1)
        moments.setdefault(int(parameter), {})[moment] = torch.tensor(array)
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": moments, "param_groups": groups})


def global_generators() -> dict[str, NDArray[Any]]:
    """Copies the states of torch's and numpy's global generators, which SB3 draws from."""
    _, keys, position, *_ = np.random.get_state()  # noqa: NPY002 - SB3 draws from it
    return {
        "torch": torch.get_rng_state().numpy().copy(),
        "numpy": np.append(np.asarray(keys, dtype=np.int64), int(position)),
    }


def restore_global_generators(arrays: Arrays) -> None:
    """Sets the global generators of torch and numpy from ``global_generators``."""
    torch.set_rng_state(torch.tensor(arrays["torch"]))
    keys, position = arrays["numpy"][:-1].astype(np.uint32), int(arrays["numpy"][-1])
    np.random.set_state(("MT19937", keys, position, 0, 0.0))  # noqa: NPY002


def history_arrays(history: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Copies metrics in long form; tensors hold no text, so names are stored as bytes."""
    metrics = pd.Categorical(history["metric"])
    names = "\n".join(metrics.categories).encode()
    return {
        "step": history["step"].to_numpy(),
        "metric": metrics.codes.astype(np.int64),
        "value": history["value"].to_numpy(),
        "names": np.frombuffer(names, dtype=np.uint8).copy(),
    }


def history_frame(arrays: Arrays) -> pd.DataFrame:
    """Reads metrics from ``history_arrays``: columns ``step``, ``metric`` and ``value``.

    Raises:
        KeyError: If an array is missing.
        IndexError: If a metric has no name.
    """
    names = arrays["names"].tobytes().decode().split("\n")
    return pd.DataFrame(
        {
            "step": arrays["step"],
            "metric": [names[index] for index in arrays["metric"]],
            "value": arrays["value"],
        }
    )


class TrainingStateError(ValueError):
    """A training cannot continue from a state: it is another's, or malformed."""


class TrainingDivergedError(ArithmeticError):
    """A loss or weight is no longer finite.

    Args:
        quantity: What went wrong, for example ``"loss"``.
        step: Decisions made until then.
        batch: Arrays by name of the batch learnt from, if known.
        advice: What to change.
    """

    def __init__(
        self,
        quantity: str,
        step: int,
        batch: Mapping[str, NDArray[Any]] | None = None,
        advice: str = "lower learning_rate or max_grad_norm",
    ) -> None:
        self.batch = batch
        self.agent: Agent | None = None
        """Best agent evaluated before, if any."""
        super().__init__(f"training diverged: {quantity} is not finite at step {step}; {advice}")
