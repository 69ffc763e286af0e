"""The learner against Stable-Baselines3's: gradient steps, replay, the whole loop, and a profile.

Cases that are compared take turns, round after round, and use one thread; processor time
is counted, which does not suffer from neighbours. Medians of the rounds are printed as
Markdown tables. Settings are those of stage 1 in ``conf/base``.
"""

import argparse
import cProfile
import os
import platform
import pstats
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from kedro.config import OmegaConfigLoader
from numba.core import config
from sb3_contrib import QRDQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger

from qwop_wr.agents.learners.qrdqn import DemonstrationQRDQN
from qwop_wr.agents.losses import pairwise_loss, sorted_loss
from qwop_wr.agents.replay.batches import Shares
from qwop_wr.agents.replay.sampling import PrioritisedSampler
from qwop_wr.agents.rollout import play_episodes
from qwop_wr.agents.schedules import BudgetClock
from qwop_wr.agents.stage import StageOptions
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions, QwopVectorEnv
from qwop_wr.envs.sb3 import QwopVecEnv
from qwop_wr.pipelines.games import GamesOptions
from qwop_wr.pipelines.training.nodes import AgentOptions, Stage

PROJECT: Final = Path(__file__).parents[1]
BATCH: Final = 256
NUMBA: Final[Any] = config
PROFILED: Final = {
    "playing: the environment": ("step_wait", "sb3.py"),
    "playing: choosing actions": ("_act", "qrdqn.py"),
    "playing: storing": ("_store", "qrdqn.py"),
    "drawing batches": ("draw", "batches.py"),
    "targets": ("n_step_targets", "qrdqn.py"),
    "quantile loss": ("quantile_huber_loss", "losses.py"),
    "gradients": ("backward", "_tensor.py"),
    "optimizer": ("step", "adam.py"),
    "priorities": ("update_priorities", "batches.py"),
    "averages": ("update", "networks.py"),
}
"""Parts of the loop: the function that does each, and the end of its file's name."""


class Settings(NamedTuple):
    """What the project's configuration says about stage 1."""

    environment: EnvironmentOptions
    games: GamesOptions
    options: StageOptions


def load_settings() -> Settings:
    """Read the configuration as a run does."""
    loader = OmegaConfigLoader(str(PROJECT / "conf"), base_env="base", default_run_env="base")
    parameters = loader["parameters"]
    stage = Stage.model_validate(parameters["dqnfd"])
    return Settings(
        EnvironmentOptions.from_keywords(parameters["environment"]),
        stage.games,
        AgentOptions.model_validate(parameters["agent"]).applied_to(stage.options),
    )


class Learners:
    """Makes learners of both kinds on games of the same kind.

    Args:
        settings: Stage 1.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        expert = AgentDataset(filepath=PROJECT / "data/01_raw/expert.safetensors").load()
        if expert is None:
            raise FileNotFoundError("data/01_raw/expert.safetensors is missing")
        env = QwopVectorEnv(16, settings.environment, autoreset=False)
        episodes = play_episodes(expert.policy(), env, range(16), record=True)
        self.demonstrations = episodes.transitions

    def ours(self, **changes: object) -> DemonstrationQRDQN:
        """Make this project's learner with changed options, its buffer filled a little."""
        fields = self.settings.options.model_dump() | {"warmup_steps": 1000, "device": "cpu"}
        options = StageOptions.model_validate(fields | changes)
        environment = self.settings.environment
        spec = options.agent_spec(environment.interface, environment.engine)
        clock = BudgetClock(options.budget)
        learner = DemonstrationQRDQN(
            options, spec, self.games(), self.demonstrations, clock.progress, 0
        )
        learner.learn(2000, log_interval=10**9)
        return learner

    def theirs(self, n_quantiles: int, n_games: int | None = None) -> QRDQN:
        """Make sb3-contrib's learner at the same batch, network and replay ratio."""
        options, games = self.settings.options, self.games(n_games)
        # Vector steps until a batch is owed: batch / (replay ratio * games).
        interval = max(round(BATCH / (options.replay_ratio * games.num_envs)), 1)
        learner = QRDQN(
            "MlpPolicy",
            games,
            buffer_size=options.buffer_size,
            learning_starts=1000,
            batch_size=BATCH,
            gamma=options.gamma,
            train_freq=interval,
            gradient_steps=1,
            exploration_initial_eps=0.01,
            exploration_final_eps=0.01,
            policy_kwargs={"n_quantiles": n_quantiles, "net_arch": list(options.net_arch)},
            seed=0,
            device="cpu",
        )
        learner.set_logger(Logger(folder=None, output_formats=[]))
        learner.learn(2000, log_interval=10**9)
        return learner

    def games(self, n_games: int | None = None) -> QwopVecEnv:
        """Make the games of stage 1."""
        options = self.settings.games.environment(self.settings.environment)
        return QwopVecEnv(QwopVectorEnv(n_games or self.settings.games.n_games, options))


def take_turns(cases: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Run the cases in turns.

    Args:
        cases: By name, each gives its rate.
        rounds: How often each takes its turn, after one that does not count.

    Returns:
        Medians by name.
    """
    rates: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, case in cases.items():
            rate = case()
            if number:
                rates[name].append(rate)
    return {name: statistics.median(values) for name, values in rates.items()}


def per_second(action: Callable[[], object], repetitions: int) -> Callable[[], float]:
    """Make a case that counts how often something is done per second."""

    def case() -> float:
        started = time.process_time()
        for _ in range(repetitions):
            action()
        return repetitions / (time.process_time() - started)

    return case


def gradient_steps(learners: Learners, rounds: int) -> None:
    """Compare gradient steps per second at several numbers of quantiles."""
    print(
        "| gradient steps per second, batch 256 | sb3-contrib | ours | ratio | with one-step term |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    for n_quantiles in (200, 51, learners.settings.options.n_quantiles):
        stock = learners.theirs(n_quantiles)
        ours = learners.ours(n_quantiles=n_quantiles, one_step_weight=0.0)
        both = learners.ours(n_quantiles=n_quantiles, one_step_weight=1.0)

        def update(learner: DemonstrationQRDQN) -> None:
            learner._update(learner.mixer.draw(BATCH, Shares(), 1.0), 0.0)

        slow = 1 if n_quantiles >= 200 else 20
        cases = {
            "stock": per_second(partial(stock.train, 1, BATCH), slow),
            "ours": per_second(partial(update, ours), 20),
            "both": per_second(partial(update, both), 20),
        }
        rates = take_turns(cases, rounds)
        row = [rates["stock"], rates["ours"], rates["ours"] / rates["stock"], rates["both"]]
        print(f"| {n_quantiles} quantiles | {' | '.join(f'{value:.1f}' for value in row)} |")


def losses(rounds: int) -> None:
    """Compare the two forms of the quantile loss, gradient included."""
    print("\n| quantile loss with gradient, batch 256 | pairwise | sorted |\n| --- | ---: | ---: |")
    for n in (8, 16, 24, 32, 51, 200):
        quantiles = torch.randn(BATCH, n, requires_grad=True)
        targets = torch.randn(BATCH, n)

        def differentiate(
            form: Callable[..., torch.Tensor],
            quantiles: torch.Tensor = quantiles,
            targets: torch.Tensor = targets,
        ) -> None:
            form(quantiles, targets, 1.0).mean().backward()  # type: ignore[no-untyped-call]

        repetitions = 2 if n >= 200 else 20
        rates = take_turns(
            {
                "pairwise": per_second(lambda f=differentiate: f(pairwise_loss), repetitions),  # type: ignore[misc]
                "sorted": per_second(lambda f=differentiate: f(sorted_loss), repetitions),  # type: ignore[misc]
            },
            rounds,
        )
        print(f"| {n} | {1e3 / rates['pairwise']:.2f} ms | {1e3 / rates['sorted']:.2f} ms |")


def replay(rounds: int) -> None:
    """Time drawing and updating priorities."""
    rng = np.random.default_rng(0)
    sampler = PrioritisedSampler(300_000, 0.4, rng)
    sampler.add(np.arange(300_000), 0.001)
    sampler.update(np.arange(300_000), rng.random(300_000).astype(np.float32))

    def once() -> None:
        sampler.update(sampler.draw(BATCH, 0.6).steps, rng.random(BATCH).astype(np.float32))

    rate = take_turns({"replay": per_second(once, 200)}, rounds)["replay"]
    print(f"\nDrawing 256 of 300,000 by priority and updating them: {1e3 / rate:.2f} ms")


def whole_loop(learners: Learners, rounds: int) -> None:
    """Compare environment steps per second of whole trainings at one replay ratio."""
    n_quantiles = learners.settings.options.n_quantiles
    learned: dict[str, Any] = {
        "sb3-contrib, 200 quantiles (its default)": learners.theirs(200),
        f"sb3-contrib, {n_quantiles} quantiles": learners.theirs(n_quantiles),
        "ours, stage 1": learners.ours(),
    }

    def play(learner: Any, steps: int) -> Callable[[], float]:  # noqa: ANN401 - either kind
        def case() -> float:
            before, started = learner.num_timesteps, time.process_time()
            learner.learn(steps, Silent(), log_interval=10**9, reset_num_timesteps=False)
            return float(learner.num_timesteps - before) / (time.process_time() - started)

        return case

    rates = take_turns(
        {name: play(one, 640 if "200" in name else 6400) for name, one in learned.items()}, rounds
    )
    print("\n| whole loop | environment steps per second | ratio |\n| --- | ---: | ---: |")
    first = next(iter(rates.values()))
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rate / first:.1f} |")


class Silent(BaseCallback):
    """Does nothing."""

    def _on_step(self) -> bool:
        return True


def profile(learners: Learners) -> None:
    """Tell where the time of the whole loop goes."""
    learner = learners.ours()
    profiler = cProfile.Profile()
    profiler.enable()
    learner.learn(40_000, log_interval=10**9, reset_num_timesteps=False)
    profiler.disable()
    stats: Any = pstats.Stats(profiler)
    print("\n| part of the loop | share of the time |\n| --- | ---: |")
    rest = 1.0
    for part, (name, file) in PROFILED.items():
        spent = sum(
            values[3]
            for (path, _, function), values in stats.stats.items()
            if function == name and path.endswith(file)
        )
        rest -= spent / stats.total_tt
        print(f"| {part} | {100 * spent / stats.total_tt:.0f} % |")
    print(f"| networks forward, margin loss, clipping, bookkeeping | {100 * rest:.0f} % |")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="turns that each case takes")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    NUMBA.NUMBA_NUM_THREADS = 1
    names = ("torch", "stable-baselines3", "sb3-contrib", "numpy")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    load = f", load average {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(f"{platform.machine()}, {os.cpu_count()} cores{load}; one thread; {versions}")
    print(f"medians of {rounds} rounds\n")
    learners = Learners(load_settings())
    gradient_steps(learners, rounds)
    losses(rounds)
    replay(rounds)
    whole_loop(learners, rounds)
    profile(learners)


if __name__ == "__main__":
    main()
