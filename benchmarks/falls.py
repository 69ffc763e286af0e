"""Where agents fall: on the first metres, or when the hurdle has come between their legs.

Every agent plays the evaluation's noisy starts; what did not finish is counted by the
stretch that it ended in. ``qwop_wr.search.coach`` is what the coach makes of this.
"""

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Final

import pandas as pd

from qwop_wr.agents.gate import FALL_STRETCHES, count_falls
from qwop_wr.datasets import AgentDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.evaluation.options import EvaluationOptions
from qwop_wr.evaluation.protocols import evaluate_agent

PROJECT: Final = Path(__file__).parents[1]
STRETCHES: Final = [f"{first} to {last} m" for first, last in pairwise(FALL_STRETCHES)]


def row(name: str, episodes: pd.DataFrame) -> str:
    """Lay a line of the table out."""
    finished = episodes["finished"]
    falls = count_falls(episodes["distance"][~finished])
    cells = [str(falls.get(stretch, 0)) for stretch in STRETCHES]
    return f"| {name} | {finished.mean():.1%} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "agents", type=Path, nargs="*", default=[PROJECT / "data/01_raw/expert.safetensors"]
    )
    parser.add_argument("--starts", type=int, default=1024, help="noisy starts")
    arguments = parser.parse_args()
    protocol = EvaluationOptions(seeds=arguments.starts)
    print(f"| agent | finishes | {' | '.join(STRETCHES)} |")
    print("| --- | ---: |" + " ---: |" * len(STRETCHES))
    for path in arguments.agents:
        agent = AgentDataset(filepath=path, load_args={"optional": True}).load()
        if agent is None:
            parser.error(f"there is no agent {path}")
        episodes = evaluate_agent(agent, EnvironmentOptions(), protocol).episodes
        print(row(path.stem, episodes), flush=True)


if __name__ == "__main__":
    main()
