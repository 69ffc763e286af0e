"""The same search, written to be obviously right: no clones, no batches, no arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qwop_wr.envs import ACTION_SETS, EnvironmentOptions, Observer, Snapshot
from qwop_wr.envs.rewards import decision_rewards
from qwop_wr.search import Guide, SearchOptions


@dataclass
class Node:
    """A state as the keys that lead to it."""

    keys: tuple[int, ...]
    island: int


@dataclass
class Seen:
    """What is there after a node's keys."""

    snapshot: Snapshot
    observation: NDArray[np.float32]
    score: float


def look(keys: tuple[int, ...], guide: Guide, env: EnvironmentOptions, weight: float) -> Seen:
    game = env.make_games()
    earned, before = 0.0, Snapshot.of(game)
    for tick, mask in enumerate(keys, start=1):
        game.step(np.array([mask], np.uint8))
        if tick % env.ticks_per_action == 0:
            now, goes_on = Snapshot.of(game), np.zeros(1, np.bool_)
            advance, ticks = now.torso_x - before.torso_x, now.ticks - before.ticks
            earned += decision_rewards(env, advance, ticks, goes_on, goes_on)[0]
            before = now
    snapshot = Snapshot.of(game)
    observation = Observer(env.observation).observe(snapshot)
    if env.reward == "time":
        earned = env.metre_reward * snapshot.torso_x[0] / 10 - env.tick_cost * snapshot.ticks[0]
    value = float(guide.values(observation)[0])
    return Seen(snapshot, observation[0], earned + weight * value)


def tries(
    node: Node,
    draws: NDArray[np.float64],
    guide: Guide,
    env: EnvironmentOptions,
    options: SearchOptions,
) -> list[tuple[int, ...]]:
    """Keys of a node's children."""
    masks = ACTION_SETS[env.actions]
    observation = look(node.keys, guide, env, 0.0).observation
    logits = guide.logits(observation[None])[0] / options.temperature + draws
    ranked = sorted(range(len(masks)), key=lambda a: -logits[a])
    return [
        node.keys + (int(masks[action]),) * env.ticks_per_action
        for action in ranked[: options.proposals]
    ]


def survivors(
    children: list[tuple[float, Node, tuple[float, ...]]], options: SearchOptions
) -> list[Node]:
    """The best of every island, each cell once."""
    children = sorted(children, key=lambda child: -child[0])
    beam = []
    for island in range(options.islands):
        cells = set()
        for _, node, cell in children:
            if node.island == island and cell not in cells:
                cells.add(cell)
                if len(cells) <= options.width // options.islands:
                    beam.append(node)
    return beam


def naive_search(
    guide: Guide,
    env: EnvironmentOptions,
    options: SearchOptions,
    prefixes: list[NDArray[np.uint8]],
    seed: int,
    depths: int,
) -> tuple[list[tuple[int, ...]], tuple[int, ...] | None]:
    """Return the keys of the states kept last, in order, and those of the best finish."""
    rng = np.random.default_rng(seed)
    beam = [
        Node(tuple(prefixes[place].tolist()), island)
        for island in range(options.islands)
        for place in range(len(prefixes))
        if place % options.islands == island
        or (island >= len(prefixes) and place == island % len(prefixes))
    ]
    best: tuple[int, ...] | None = None
    for _ in range(depths if beam else 0):
        noise = rng.gumbel(size=(len(beam), len(ACTION_SETS[env.actions])))
        children: list[tuple[float, Node, tuple[float, ...]]] = []
        for node, draws in zip(beam, noise, strict=True):
            for keys in tries(node, draws, guide, env, options):
                seen = look(keys, guide, env, options.value_weight)
                if seen.snapshot.landed[0]:
                    end = int(seen.snapshot.ticks[0])
                    best = keys[:end] if best is None or end < len(best) else best
                elif not (seen.snapshot.ended[0] or seen.snapshot.torso_y[0] > options.sink_height):
                    cell = tuple(np.rint(seen.observation / options.cell)) if options.cell else keys
                    children.append((seen.score, Node(keys, node.island), cell))
        limit = options.max_ticks if best is None else len(best) - 1
        beam = survivors([child for child in children if len(child[1].keys) < limit], options)
    return [node.keys for node in beam], best
