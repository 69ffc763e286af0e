"""What matters in a beam search: mean times of narrow searches, one thing changed at a time.

The searches are those that expert iteration measures its rounds by: from the start line,
after 0, 1, 2 ... decisions of waiting. What they find does not depend on the machine.
"""

import argparse
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from qwop_wr.agents.agent import Agent
from qwop_wr.datasets import AgentDataset, AgentsDataset
from qwop_wr.envs import EnvironmentOptions
from qwop_wr.search import AgentGuide, SearchOptions
from qwop_wr.search.parallel import Search, run_searches
from qwop_wr.search.refinement import deciding_every
from qwop_wr.search.tapes import idle_prefix

RAW: Final = Path(__file__).parents[1] / "data" / "01_raw"
BASE: Final[Mapping[str, Any]] = {"width": 64, "cell": 0.4}
CHANGES: Final[Mapping[str, dict[str, Any]]] = {
    "width 16": {"width": 16},
    "width 256": {"width": 256},
    "4 islands of width 16": {"islands": 4},
    "4 islands of width 64": {"islands": 4, "width": 256},
    "near-duplicates kept": {"cell": 0.0},
    "2 proposals": {"proposals": 2},
    "5 proposals": {"proposals": 5},
    "the best actions instead of drawn ones": {"sampling": "top"},
    "value weight 0.5": {"value_weight": 0.5},
    "value weight 1": {"value_weight": 1.0},
}
"""Changes of the search alone."""


def measure(
    agents: Sequence[Agent],
    proposer: Agent,
    changes: Mapping[str, Any],
    searches: int,
    ticks: int,
) -> list[float | None]:
    """Search a few times.

    Args:
        agents: Their values are averaged.
        proposer: Its policy proposes actions.
        changes: Options of the search that differ from the base.
        searches: How many.
        ticks: Ticks per decision.

    Returns:
        Clock times [s]; None where no run finished.
    """
    environment = EnvironmentOptions(ticks_per_action=ticks)
    options = SearchOptions.model_validate({**BASE, **changes})
    judges = [deciding_every(agent, ticks) for agent in agents]
    guide = AgentGuide(judges, environment, deciding_every(proposer, ticks))
    made = run_searches(
        [guide],
        environment,
        [Search([idle_prefix(2 * number)], options, [1, number]) for number in range(searches)],
    )
    tapes = [search.value.tape for search in made]
    return [tape.score_time if tape.finished else None for tape in tapes]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", type=int, default=8, help="searches per row")
    searches = parser.parse_args().searches
    guides = list(AgentsDataset(filepath=RAW / "guides").load().values())
    expert = AgentDataset(filepath=RAW / "expert.safetensors").load()
    assert expert is not None  # noqa: S101 - it is not optional
    newest, oldest = guides[:1], guides[-1:]
    several: list[tuple[str, Sequence[Agent], Agent, dict[str, Any], int]] = [
        ("oldest of the shipped guides", oldest, oldest[0], {}, 1),
        ("values of all shipped guides averaged", guides, newest[0], {}, 1),
    ]
    rows: list[tuple[str, Sequence[Agent], Agent, dict[str, Any], int]] = [
        ("newest guide, width 64", newest, newest[0], {}, 1),
        ("values and policy of the expert", [expert], expert, {}, 1),
        ("values of the expert, policy of the guide", [expert], newest[0], {}, 1),
        ("values of the guide, policy of the expert", newest, expert, {}, 1),
        *(several if len(guides) > 1 else ()),
        *((name, newest, newest[0], changes, 1) for name, changes in CHANGES.items()),
        *((f"{n} ticks per decision", newest, newest[0], {}, n) for n in (2, 3, 4)),
    ]
    print("| search | mean | best | standard deviation | finished |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, agents, proposer, changes, ticks in tqdm(rows):
        found = measure(agents, proposer, changes, searches, ticks)
        times = [time for time in found if time is not None]
        numbers = (
            f"{statistics.mean(times):.2f} s | {min(times):.2f} s | {statistics.stdev(times):.2f} s"
            if len(times) > 1
            else "| |"
        )
        tqdm.write(f"| {name} | {numbers} | {len(times)} of {searches} |")


if __name__ == "__main__":
    main()
