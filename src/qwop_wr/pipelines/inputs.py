"""Checks of inputs: their faults, and whether they follow from one another.

Every output names its origin: an agent's card names the agent that its stage started from; a
table of episodes names agent and protocol; summaries, tapes and hunts the agent's fingerprint.
A node compares them first, and names the step to run again.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, Final

from qwop_wr.agents.agent import Agent
from qwop_wr.errors import BadInputError

NO_GUIDES: Final = "guide_agents: there is none; make some: kedro run --pipeline=guides"


@contextmanager
def checking(dataset: str) -> Iterator[None]:
    """Turn a ``ValueError`` of the block into one line that names the dataset.

    Args:
        dataset: Name of the dataset in the catalog.

    Raises:
        BadInputError: If the block raises a ``ValueError``.
    """
    try:
        yield
    except ValueError as error:
        raise BadInputError(f"{dataset}: {error}") from error


def parameters(*names: str) -> dict[str, str]:
    """Map arguments of a node to the parameters of the same names."""
    return {name: f"params:{name}" for name in names}


def fingerprint(*facts: object) -> str:
    """Hash everything that a result follows from.

    Args:
        *facts: JSON values.

    Returns:
        SHA-256 as hexadecimal text.
    """
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@contextmanager
def fresh(dataset: str, step: str) -> Iterator[None]:
    """Turn a ``ValueError`` of the block into a stale result, with the step that remakes it.

    Args:
        dataset: Name of the dataset in the catalog.
        step: Options of ``kedro run`` that remake it.

    Raises:
        BadInputError: If the block raises a ``ValueError``.
    """
    try:
        yield
    except ValueError as error:
        raise BadInputError(
            f"{dataset} is stale: {error}; make it again: kedro run {step}"
        ) from error


def check_agent(dataset: str, found: object, expected: Agent, step: str) -> None:
    """Check that a result belongs to an agent.

    Args:
        found: Fingerprint that the result names.
        step: Options of ``kedro run`` that remake the result.

    Raises:
        BadInputError: If it is of another one.
    """
    if found != expected.fingerprint:
        with fresh(dataset, step):
            raise ValueError(
                f"it is of another agent, {str(found)[:12]}, not of {expected.fingerprint[:12]}"
            )


def check_stages(agents: Mapping[str, Agent], gates: Mapping[str, Mapping[str, Any]]) -> None:
    """Check that every stage started from the previous one's agent.

    Args:
        agents: Agents by stage, in order.
        gates: Report of each stage's gate.

    Raises:
        BadInputError: Naming the first stage that did not, and where to restart training.
    """
    names = list(agents)
    for place, (before, name) in enumerate(pairwise(names), start=1):
        given, made = agents[before], agents[name]
        step = f"--namespaces={','.join(names[place:])}"
        is_new = made.fingerprint != given.fingerprint
        if is_new and made.card.get("incoming") != given.fingerprint:
            with fresh(f"{name}_agent", step):
                raise ValueError(f"it did not start from the present {before}_agent")
        if bool(gates[name]["promoted"]) != is_new:
            with fresh(f"{name}_gate", step):
                raise ValueError(f"it does not refer to the present {name}_agent")
