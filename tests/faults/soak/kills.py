"""kill -9 at random moments of the smoke pipelines' trainings, which are then gone on with."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from qwop_wr.datasets import AgentDataset, TrainingStateDataset
from tests.faults.soak import Row
from tests.project_copy import ProjectCopy

N_KILLS = 20
SEED = 8
_MODELS = "data/06_models"


class Subject(NamedTuple):
    """A part of a pipeline that trains.

    Attributes:
        name: What it is called here.
        selection: The options of ``kedro run`` that select it.
        trainings: Names of its trainings.
        agents: Datasets of the agents that they hand on, in ``data/06_models``.
        kills: How often it is killed.
    """

    name: str
    selection: tuple[str, ...]
    trainings: tuple[str, ...]
    agents: tuple[str, ...]
    kills: int


_STAGES = ("dqnfd", "self_play", "velocity")
SUBJECTS = (
    Subject(
        "stages",
        ("--from-nodes=dqnfd.train_agent", "--to-nodes=velocity.take_agent"),
        _STAGES,
        tuple(f"{name}_agent" for name in _STAGES),
        N_KILLS - 6,
    ),
    Subject(
        "expert",
        ("--pipelines=expert", "--to-nodes=take_candidate"),
        ("expert",),
        ("expert_candidate",),
        6,
    ),
)
_LONGER = (
    "dqnfd.options.budget.steps=5000,self_play.options.coaching.rounds=6,"
    "velocity.options.coaching.rounds=6,"
    "expert.options.budget.steps=65536,expert.options.save_every=4096"
)
"""Trainings of some seconds, so that kills find them at work."""
_MOST_STATES = 6
"""A run is killed after 0 to so many states that it has saved; after 0, also while it begins."""


def kill_trainings(folder: Path) -> Iterator[Row]:
    """Kill trainings, go on with them, and compare what they come to.

    Args:
        folder: An empty folder.

    Yields:
        A row per kill.
    """
    project = ProjectCopy(folder / "project")
    ends = "dqnfd.initialise_agent,demonstrations.merge_demonstrations"
    first = project.run("--env=smoke", f"--to-nodes={ends}")
    if first.returncode:
        raise RuntimeError(first.stdout)
    rng = np.random.default_rng(SEED)
    for subject in SUBJECTS:
        yield from _Killing(project, subject, rng).rows()


class _Killing:
    def __init__(self, project: ProjectCopy, subject: Subject, rng: np.random.Generator) -> None:
        self._project, self._subject, self._rng = project, subject, rng

    def rows(self) -> Iterator[Row]:
        self._run_to_the_end(resume=False)
        expected = self._results()
        kills, passes = 0, 0
        while kills < self._subject.kills:
            passes += 1
            self._forget()
            faults: list[str] = []
            while kills + len(faults) < self._subject.kills:
                states = int(self._rng.integers(_MOST_STATES, endpoint=True))
                fault = self._kill_after(states, float(self._rng.uniform(0, 0.3)))
                if fault is None:
                    break
                faults.append(fault)
            self._run_to_the_end(resume=True)
            same = self._results() == expected
            end = "the same weights and history" if same else "other weights or history"
            for fault in faults:
                kills += 1
                text = f"{self._subject.name}, kill {kills}: {fault}"
                yield Row(text, f"gone on with, {end} (pass {passes})", same)

    def _arguments(self, resume: bool) -> list[str]:
        params = f"--params={_LONGER},resume={'true' if resume else 'false'}"
        return [*self._subject.selection, "--env=smoke", params]

    def _run_to_the_end(self, resume: bool) -> None:
        finished = self._project.run(*self._arguments(resume))
        if finished.returncode:
            raise RuntimeError(finished.stdout)

    def _kill_after(self, states: int, moment: float) -> str | None:
        """Start, and kill a moment after so many states; None if it had ended before."""
        with (self._project.folder / "killed.log").open("w") as log:
            process = self._project.start(*self._arguments(resume=True), stdout=log)
        before = self._times()
        seen = {before}
        while process.poll() is None and len(seen) <= states:
            time.sleep(0.01)
            seen.add(self._times())
        time.sleep(moment if states else 100 * moment)
        process.kill()
        return None if process.wait() == 0 else self._describe()

    def _times(self) -> tuple[int, ...]:
        """When the states on the disk were saved [ns]; 0 for one that is not there."""
        paths = map(self._path, self._subject.trainings)
        return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)

    def _describe(self) -> str:
        """What the newest state on the disk says."""
        paths = [path for path in map(self._path, self._subject.trainings) if path.exists()]
        if not paths:
            return "before the first state"
        newest = max(paths, key=lambda path: path.stat().st_mtime)
        facts: Any = TrainingStateDataset(filepath=newest).load_facts()
        name = newest.name.removesuffix("_training.safetensors")
        if facts["finished"]:
            return f"after the end of {name}"
        return f"{name} after the state of step {facts['steps']:,}"

    def _forget(self) -> None:
        for name in self._subject.trainings:
            self._path(name).unlink(missing_ok=True)

    def _path(self, training: str) -> Path:
        return self._project.folder / _MODELS / f"{training}_training.safetensors"

    def _results(self) -> list[str]:
        """Fingerprints of all agents, and the histories but for times."""
        folder, found = self._project.folder, []
        for name in self._subject.agents:
            versions = sorted((folder / _MODELS / f"{name}.safetensors").iterdir())
            agent = AgentDataset(filepath=versions[-1] / f"{name}.safetensors").load()
            assert agent is not None
            found.append(agent.fingerprint)
        for name in self._subject.trainings:
            table = pd.read_csv(
                folder / f"data/07_model_output/{name}_history.csv", float_precision="round_trip"
            )
            found.append(table[~table["metric"].str.startswith("time/")].to_csv(index=False))
        return found
