"""User scripts for the original game's page: tapes, an agent, or a person who plays."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from qwop_wr import __version__
from qwop_wr.agents.agent import Agent
from qwop_wr.browser.verdict import replayed
from qwop_wr.envs import ACTION_SETS, OBSERVATIONS, EnvironmentOptions
from qwop_wr.evaluation.ranking import own_environment
from qwop_wr.simulator.anatomy import HURDLE, HURDLE_JOINT, JOINTS, PARTS
from qwop_wr.simulator.constants import CAMERA_LEAD, GRAVITY, PIXELS_PER_UNIT, SAND_PIT_PX
from qwop_wr.simulator.exact.engine import sines_cosines
from qwop_wr.simulator.platforms import BROWSERS, PLATFORMS
from qwop_wr.simulator.tape import Tape
from qwop_wr.simulator.tape_format import MAX_TICKS

SUFFIX: Final = ".user.js"
"""Ending of a user script's file name, by which the managers know it."""

UNKNOWN_PLATFORM: Final = "unknown"
"""The script's name for a sine that is none of the platforms'."""

_ASSETS: Final = files("qwop_wr.browser") / "assets"
_ADDRESSES: Final = ("*://foddy.net/Athletics.html*", "*://www.foddy.net/Athletics.html*")

_PROBE_ARGUMENTS: Final = 65_536
"""Angles that are tried. glibc with and without fused multiply-add, the closest two, differ
at 0.07 % of them."""
_PROBE_SPAN: Final = 20.0
"""The angles lie between minus and plus half of this [rad]."""
_PROBE_WEIGHTS: Final = (0x9E3779B1, 0x85EBCA77)

_PATIENCE_MS: Final = 8000
"""Time that the game has to appear after its page has loaded [ms]."""

_LONGEST_AGENT_RUN: Final = EnvironmentOptions().max_ticks
"""Ticks after which an agent that neither finishes nor falls has run enough."""

Content = dict[str, Any]
"""The content of a script, as JSON."""


def tapes_content(name: str, tapes: Iterable[Tape]) -> Content:
    """Describes tapes, of which the script plays the one of its browser's platform.

    Args:
        name: Name of the runs.
        tapes: Tapes of the exact engine, their claims proven, each of another platform.

    Raises:
        ValueError: If a tape is of another engine, or two are of one platform.
    """
    content: Content = {}
    for tape in tapes:
        if tape.engine != "exact" or tape.platform is None:
            raise ValueError(
                f"the browser's game is the exact engine's, but the tape is of {tape.engine!r}"
            )
        if tape.platform in content:
            raise ValueError(f"there are two tapes of platform {tape.platform!r}")
        end = replayed(tape.per_tick_keys, tape.platform)[-1, : 6 * len(PARTS)]
        content[tape.platform] = {
            "keys": tape.keys,
            "ticks": tape.ticks,
            "end": base64.b64encode(end.astype("<f8").tobytes()).decode(),
        }
    return {"name": name, "tapes": content}


def agent_content(name: str, agent: Agent, idle_ticks: int = 0) -> Content:
    """Describes an agent that decides in the page, after some ticks without keys.

    Raises:
        ValueError: If no environment fits the agent.
    """
    options = own_environment(agent, EnvironmentOptions())
    features = OBSERVATIONS[options.observation]
    return {
        "name": name,
        "sandPitX": SAND_PIT_PX / PIXELS_PER_UNIT,
        "agent": {
            "observation": options.observation,
            "centres": [feature.centre for feature in features],
            "scales": [feature.scale for feature in features],
            "lows": [feature.low for feature in features],
            "highs": [feature.high for feature in features],
            "masks": ACTION_SETS[options.actions].tolist(),
            "ticksPerAction": options.ticks_per_action,
            "idleTicks": idle_ticks,
            "maxTicks": idle_ticks + _LONGEST_AGENT_RUN,
            "layers": _layers(agent),
        },
    }


def person_content() -> Content:
    """Describes a person who plays with the page's own keys."""
    return {"name": "you"}


def user_script(content: Content, server: str | None = None, shim: str | None = None) -> str:
    """Writes a script, with the header for user-script managers, that plays in the game's page.

    It must run before the page's own scripts. Without a server it makes no request.

    Args:
        content: One of the contents above.
        server: Address below which ``qwop browser`` listens; none if omitted.
        shim: Platform whose sine and cosine replace the page's; none if omitted.
    """
    constants = {
        **content,
        "server": server,
        "shim": shim,
        "patience": _PATIENCE_MS,
        "maxTicks": MAX_TICKS,
        "browsers": dict(BROWSERS),
        "probe": {
            "arguments": _PROBE_ARGUMENTS,
            "span": _PROBE_SPAN,
            "checksums": dict(sine_checksums()),
        },
        "joints": [_camel(joint.name) for joint in (*JOINTS, HURDLE_JOINT)],
        "constants": _constants(),
    }
    parts = ["sine", "game", "overlay", "run"]
    if "agent" in content:
        parts.insert(-1, "agent")
    if server is not None:
        parts.insert(-1, "link")
    if shim is not None:
        parts.insert(0, "shim")
    sources = "\n".join(_asset(f"{part}.js") for part in parts)
    text = json.dumps(constants, allow_nan=False, separators=(",", ":"))
    header = _header(content["name"])
    return f'{header}\n(() => {{\n"use strict";\nconst SCRIPT = {text};\n{sources}}})();\n'


@cache
def sine_checksums() -> Mapping[str, str]:
    """Computes the checksum of every platform's sine and cosine, as ``sine.js`` does.

    They are sixteen hexadecimal digits by platform.
    """
    states, state = np.empty(_PROBE_ARGUMENTS), 1
    for index in range(_PROBE_ARGUMENTS):
        state = (state * 1664525 + 1013904223) % 2**32
        states[index] = state
    angles = (states / 2**32 - 0.5) * _PROBE_SPAN
    return {name: _checksum(*sines_cosines(name, angles)) for name in PLATFORMS}


def _checksum(sines: NDArray[np.float64], cosines: NDArray[np.float64]) -> str:
    words = np.stack([sines, cosines], axis=1).astype("<f8").view("<u4").ravel().astype(np.uint64)
    odd = 2 * np.arange(len(words), dtype=np.uint64) + 1
    sums = (
        int((words * (odd * weight % 2**32) % 2**32).sum()) % 2**32 for weight in _PROBE_WEIGHTS
    )
    return "".join(f"{one:08x}" for one in sums)


def _constants() -> dict[str, float]:
    """Lists, under its names, the constants by which ``game.js`` recognises a changed game."""
    constants = {"world_camera_offset": -CAMERA_LEAD, "gravity": GRAVITY}
    for body in (*PARTS, *HURDLE):
        name = _camel(body.name)
        constants[f"mass of {name}"] = body.mass
        constants[f"inertia of {name}"] = body.inertia
        constants[f"friction of {name}"] = body.friction
    for joint in (*JOINTS, HURDLE_JOINT):
        name = _camel(joint.name)
        constants[f"lower limit of {name}"] = joint.lower
        constants[f"upper limit of {name}"] = joint.upper
        constants[f"torque of {name}"] = joint.max_torque
    return constants


def _layers(agent: Agent) -> list[dict[str, str]]:
    """Writes the layers that score the actions; what all actions share is left out."""
    weights, spec = agent.weights, agent.spec
    stack, output = ("hidden", "output") if spec.algorithm == "qrdqn" else ("actor", "actor_output")
    layers = []
    if spec.algorithm == "recurrent_ppo":
        names = {"weight": "weight_ih", "bias": "bias_ih"}
        names |= {"recurrentWeight": "weight_hh", "recurrentBias": "bias_hh"}
        lstm = {key: _encoded(weights[f"actor_lstm.{name}_l0"]) for key, name in names.items()}
        layers.append({"kind": "lstm", **lstm})
    for index in range(len(spec.net_arch)):
        name = f"{stack}.linear.{index}"
        layer = {
            "weight": _encoded(weights[f"{name}.weight"]),
            "bias": _encoded(weights[f"{name}.bias"]),
            "activation": spec.activation,
        }
        if spec.layer_norm:
            norm = f"{stack}.norm.{index}"
            layer["scale"] = _encoded(weights[f"{norm}.weight"])
            layer["shift"] = _encoded(weights[f"{norm}.bias"])
        layers.append(layer)
    weight, bias = weights[f"{output}.weight"], weights[f"{output}.bias"]
    if spec.n_quantiles is not None:
        # The mean of the quantiles, as the network itself takes it; a dueling head adds
        # the same to every action.
        weight = weight.reshape(spec.n_quantiles, spec.n_actions, -1).mean(axis=0)
        bias = bias.reshape(spec.n_quantiles, spec.n_actions).mean(axis=0)
    last = {"weight": _encoded(weight), "bias": _encoded(bias), "activation": "none"}
    return [*layers, last]


def _encoded(values: NDArray[np.float32]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()


def _header(name: str) -> str:
    words = " ".join(name.split())
    lines: Sequence[str] = (
        f"@name QWOP: {words}",
        "@namespace qwop-wr",
        f"@version {__version__}",
        "@description Plays in the original game's page, tick by tick. Makes no request.",
        *(f"@match {address}" for address in _ADDRESSES),
        "@run-at document-start",
        "@inject-into page",
        "@grant none",
        "@noframes",
    )
    return "\n".join(["// ==UserScript==", *(f"// {line}" for line in lines), "// ==/UserScript=="])


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
