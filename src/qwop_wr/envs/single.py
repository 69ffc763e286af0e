"""One game of QWOP as a Gymnasium environment."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import ArrayLike, NDArray

from qwop_wr.envs.actions import ACTION_SETS
from qwop_wr.envs.options import EnvironmentOptions
from qwop_wr.envs.vector import RENDER_MODES, QwopVectorEnv
from qwop_wr.simulator.keys import N_MASKS, effective_keys, key_names

Info = dict[str, bool | int | float]


class QwopEnv(gymnasium.Env[NDArray[np.float32], np.int64]):
    """The 100 m dash of Bennett Foddy's QWOP.

    ## Description
    A runner of twelve bodies and eleven joints stands at the start of a 100 m
    track. Q and W swing the thighs (and arms) one way or the other, O and P
    bend the knees. A hurdle stands at 50 m, and behind 100 m lies a sand pit:
    the run is a success as soon as the runner, having jumped off with the left
    foot, lands in it. The physics is the browser game's own to the last bit
    (engine ``exact``), or the same game on stock Box2D (engine ``box2d``).

    One decision holds its keys for ``ticks_per_action`` ticks. A tick shows as
    1/30 s on the game's clock. The display's metre is 10 world units; x points
    to the right and y **down**, the track's surface lies at y = 9.143.

    ## Action Space
    ``Discrete(9)`` or, with ``full``, ``Discrete(16)``: the set of keys held.

    | Actions    | In order                                                             |
    | ---------- | -------------------------------------------------------------------- |
    | `minimal`  | - O P Q QO QP W WO WP                                                |
    | `qwop_gym` | - Q W O P QW QP WO OP                                                |
    | `full`     | - Q W O P QW QO QP WO WP OP QWO QWP QOP WOP QWOP                     |

    Q beats W and O beats P, so only the nine of ``minimal`` differ in effect.
    In ``qwop_gym``, the reduced set that circulates, QW acts as Q and OP as O,
    while QO and WP are missing.

    ## Observation Space
    A float32 ``Box``; each number is (quantity - centre) / scale, clipped to
    least and greatest. ``egocentric`` follows the torso and is about 0 at the
    start. It includes what a picture hides: which calf key set the hip limits
    last, and the torque that has accumulated on the head. Distances to hurdle
    and sand pit are clipped to 10 m before and behind.

    | Index | Quantity                       | Unit            | Centre | Scale | Least | Greatest |
    | ----- | ------------------------------ | --------------- | ------ | ----- | ----- | -------- |
    | 0     | torso y                        | units           | -1.871 | 4     | -5    | 5        |
    | 1     | torso angle                    | rad             | -1.251 | 1     | -5    | 5        |
    | 2     | torso vx                       | units/s         | 0.000  | 20    | -5    | 5        |
    | 3     | torso vy                       | units/s         | 0.000  | 10    | -5    | 5        |
    | 4     | torso angular velocity         | rad/s           | 0.000  | 4     | -5    | 5        |
    | 5     | head x from torso              | units           | 1.377  | 4     | -5    | 5        |
    | 6     | head y                         | units           | -5.622 | 4     | -5    | 5        |
    | 7     | head angle                     | rad             | 0.064  | 1     | -5    | 5        |
    | 8     | head vx                        | units/s         | 0.000  | 20    | -5    | 5        |
    | 9     | head vy                        | units/s         | 0.000  | 10    | -5    | 5        |
    | 10    | head angular velocity          | rad/s           | 0.000  | 4     | -5    | 5        |
    | 11    | left_arm x from torso          | units           | 1.907  | 4     | -5    | 5        |
    | 12    | left_arm y                     | units           | -2.807 | 4     | -5    | 5        |
    | 13    | left_arm angle                 | rad             | 0.904  | 1     | -5    | 5        |
    | 14    | left_arm vx                    | units/s         | 0.000  | 20    | -5    | 5        |
    | 15    | left_arm vy                    | units/s         | 0.000  | 10    | -5    | 5        |
    | 16    | left_arm angular velocity      | rad/s           | 0.000  | 4     | -5    | 5        |
    | 17    | left_calf x from torso         | units           | 0.615  | 4     | -5    | 5        |
    | 18    | left_calf y                    | units           | 5.526  | 4     | -5    | 5        |
    | 19    | left_calf angle                | rad             | -1.590 | 1     | -5    | 5        |
    | 20    | left_calf vx                   | units/s         | 0.000  | 20    | -5    | 5        |
    | 21    | left_calf vy                   | units/s         | 0.000  | 10    | -5    | 5        |
    | 22    | left_calf angular velocity     | rad/s           | 0.000  | 4     | -5    | 5        |
    | 23    | left_foot x from torso         | units           | 1.416  | 4     | -5    | 5        |
    | 24    | left_foot y                    | units           | 8.089  | 4     | -5    | 5        |
    | 25    | left_foot angle                | rad             | 0.120  | 1     | -5    | 5        |
    | 26    | left_foot vx                   | units/s         | 0.000  | 20    | -5    | 5        |
    | 27    | left_foot vy                   | units/s         | 0.000  | 10    | -5    | 5        |
    | 28    | left_foot angular velocity     | rad/s           | 0.000  | 4     | -5    | 5        |
    | 29    | left_forearm x from torso      | units           | 3.319  | 4     | -5    | 5        |
    | 30    | left_forearm y                 | units           | -2.873 | 4     | -5    | 5        |
    | 31    | left_forearm angle             | rad             | -1.205 | 1     | -5    | 5        |
    | 32    | left_forearm vx                | units/s         | 0.000  | 20    | -5    | 5        |
    | 33    | left_forearm vy                | units/s         | 0.000  | 10    | -5    | 5        |
    | 34    | left_forearm angular velocity  | rad/s           | 0.000  | 4     | -5    | 5        |
    | 35    | left_thigh x from torso        | units           | 0.054  | 4     | -5    | 5        |
    | 36    | left_thigh y                   | units           | 1.648  | 4     | -5    | 5        |
    | 37    | left_thigh angle               | rad             | -2.018 | 1     | -5    | 5        |
    | 38    | left_thigh vx                  | units/s         | 0.000  | 20    | -5    | 5        |
    | 39    | left_thigh vy                  | units/s         | 0.000  | 10    | -5    | 5        |
    | 40    | left_thigh angular velocity    | rad/s           | 0.000  | 4     | -5    | 5        |
    | 41    | right_arm x from torso         | units           | -1.330 | 4     | -5    | 5        |
    | 42    | right_arm y                    | units           | -3.500 | 4     | -5    | 5        |
    | 43    | right_arm angle                | rad             | -0.522 | 1     | -5    | 5        |
    | 44    | right_arm vx                   | units/s         | 0.000  | 20    | -5    | 5        |
    | 45    | right_arm vy                   | units/s         | 0.000  | 10    | -5    | 5        |
    | 46    | right_arm angular velocity     | rad/s           | 0.000  | 4     | -5    | 5        |
    | 47    | right_calf x from torso        | units           | -2.584 | 4     | -5    | 5        |
    | 48    | right_calf y                   | units           | 5.348  | 4     | -5    | 5        |
    | 49    | right_calf angle               | rad             | -0.759 | 1     | -5    | 5        |
    | 50    | right_calf vx                  | units/s         | 0.000  | 20    | -5    | 5        |
    | 51    | right_calf vy                  | units/s         | 0.000  | 10    | -5    | 5        |
    | 52    | right_calf angular velocity    | rad/s           | 0.000  | 4     | -5    | 5        |
    | 53    | right_foot x from torso        | units           | -3.637 | 4     | -5    | 5        |
    | 54    | right_foot y                   | units           | 7.567  | 4     | -5    | 5        |
    | 55    | right_foot angle               | rad             | 0.590  | 1     | -5    | 5        |
    | 56    | right_foot vx                  | units/s         | 0.000  | 20    | -5    | 5        |
    | 57    | right_foot vy                  | units/s         | 0.000  | 10    | -5    | 5        |
    | 58    | right_foot angular velocity    | rad/s           | 0.000  | 4     | -5    | 5        |
    | 59    | right_forearm x from torso     | units           | -2.103 | 4     | -5    | 5        |
    | 60    | right_forearm y                | units           | -1.060 | 4     | -5    | 5        |
    | 61    | right_forearm angle            | rad             | -1.755 | 1     | -5    | 5        |
    | 62    | right_forearm vx               | units/s         | 0.000  | 20    | -5    | 5        |
    | 63    | right_forearm vy               | units/s         | 0.000  | 10    | -5    | 5        |
    | 64    | right_forearm angular velocity | rad/s           | 0.000  | 4     | -5    | 5        |
    | 65    | right_thigh x from torso       | units           | -0.899 | 4     | -5    | 5        |
    | 66    | right_thigh y                  | units           | 2.062  | 4     | -5    | 5        |
    | 67    | right_thigh angle              | rad             | 1.485  | 1     | -5    | 5        |
    | 68    | right_thigh vx                 | units/s         | 0.000  | 20    | -5    | 5        |
    | 69    | right_thigh vy                 | units/s         | 0.000  | 10    | -5    | 5        |
    | 70    | right_thigh angular velocity   | rad/s           | 0.000  | 4     | -5    | 5        |
    | 71    | left_foot on the ground        | 0 or 1          | 0.000  | 1     | 0     | 1        |
    | 72    | right_foot on the ground       | 0 or 1          | 0.000  | 1     | 0     | 1        |
    | 73    | hip limits set by O            | 0 or 1          | 0.000  | 1     | 0     | 1        |
    | 74    | hip limits set by P            | 0 or 1          | 0.000  | 1     | 0     | 1        |
    | 75    | head torque                    | units of torque | 0.000  | 200   | -5    | 5        |
    | 76    | hurdle ahead by                | units           | 0.000  | 100   | -1    | 1        |
    | 77    | sand pit ahead by              | units           | 0.000  | 100   | -1    | 1        |

    ``absolute`` is the 60 numbers that circulate since qwop-gym. Part p of 0 to
    11 is torso, head, left_arm, left_calf, left_foot, left_forearm, left_thigh,
    right_arm, right_calf, right_foot, right_forearm, right_thigh.

    | Index  | Quantity     | Unit    | Centre  | Scale | Least | Greatest |
    | ------ | ------------ | ------- | ------- | ----- | ----- | -------- |
    | 5p     | part p x     | units   | 520.000 | 530   | -1    | 1        |
    | 5p + 1 | part p y     | units   | 0.000   | 10    | -1    | 1        |
    | 5p + 2 | part p angle | rad     | 0.000   | 6     | -1    | 1        |
    | 5p + 3 | part p vx    | units/s | 20.000  | 40    | -1    | 1        |
    | 5p + 4 | part p vy    | units/s | 17.500  | 42.5  | -1    | 1        |

    ## Rewards
    ``time`` (default): ``metre_reward`` * metres - ``tick_cost`` * ticks, with
    the torso's true progress, not the rounded score; ``fall_cost`` is
    subtracted when the runner falls or sinks. Being linear in time, it makes
    the fastest run the best one.

    ``qwop_gym``: ``speed_reward`` * ds/dt - ``time_cost`` / ``ticks_per_action``
    * dt, with s in metres and t in tenths of the clock's seconds, as in
    qwop-gym; plus ``success_reward`` at the finish, minus ``failure_cost``
    when the runner falls or sinks. (qwop-gym measures the first decision from
    0 m and 0 s, this from the state at the reset.)

    ``shaping`` adds terms for how the runner moves, see ``ShapingOptions``.
    With ``velocity``, the published recipe's bonus for speed is added to
    either, see ``VelocityOptions``.

    ## Starting State
    A fresh page of the game, one tick after its creation; then 0 to
    ``idle_ticks`` ticks without keys, as the seed draws, which count on the
    clock. Nothing else is random at the start. With ``sticky`` above 0 each
    decision is replaced, with that probability, by the keys held before it.
    Equal seeds and actions give equal runs, to the bit.

    ## Episode End
    Terminated: the runner finishes (``info["finished"]``); head, arm or forearm
    touches the track (``fallen``); or the torso's y is greater than
    ``sink_height`` after a decision (``sunk``).
    Truncated: after the decision in which the clock reaches ``max_ticks``.
    An episode that has ended stands still when it is stepped on.

    Infos hold ``distance`` (the displayed score) [m], ``ticks``,
    ``score_time`` [s], ``finished``, ``fallen`` and ``sunk``.

    ## Arguments
    ```python
    import gymnasium
    import qwop_wr

    env = gymnasium.make("qwop_wr/Qwop-v1", ticks_per_action=2, render_mode="rgb_array")
    envs = gymnasium.make_vec("qwop_wr/Qwop-v1", num_envs=256, engine="exact")
    ```

    | Argument           | Default        | Meaning                                           |
    | ------------------ | -------------- | ------------------------------------------------- |
    | `engine`           | `"exact"`      | `"exact"` or `"box2d"`                            |
    | `platform`         | `"chromium"`   | whose sine `exact` computes with, see `BROWSERS`  |
    | `ticks_per_action` | `1`            | ticks for which a decision holds its keys         |
    | `actions`          | `"minimal"`    | `"minimal"`, `"qwop_gym"` or `"full"`             |
    | `observation`      | `"egocentric"` | `"egocentric"` or `"absolute"`                    |
    | `reward`           | `"time"`       | `"time"` or `"qwop_gym"`                          |
    | `metre_reward`     | `1.0`          | per metre (`time`)                                |
    | `tick_cost`        | `0.01`         | per tick (`time`)                                 |
    | `fall_cost`        | `0.0`          | on a fall (`time`)                                |
    | `speed_reward`     | `0.01`         | per m/s on the circulating clock (`qwop_gym`)     |
    | `time_cost`        | `10.0`         | per second on the circulating clock (`qwop_gym`)  |
    | `success_reward`   | `50.0`         | at the finish (`qwop_gym`)                        |
    | `failure_cost`     | `10.0`         | on a fall (`qwop_gym`)                            |
    | `velocity`         | `None`         | fields of `VelocityOptions`: a bonus for speed    |
    | `shaping`          | `None`         | fields of `ShapingOptions`: terms for posture ... |
    | `max_ticks`        | `3000`         | truncation [ticks]                                |
    | `idle_ticks`       | `0`            | most ticks without keys at the start              |
    | `sticky`           | `0.0`          | probability that a decision is ignored            |
    | `sink_height`      | `None`         | torso y that ends the episode [units], 1.3 parts  |
    |                    |                | running from scraping along on the knees          |
    | `render_mode`      | `None`         | `"rgb_array"` draws the runner                    |

    ## Version History
    * v1: first release.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 15}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None, **options: object) -> None:
        self.options = EnvironmentOptions.from_keywords(options)
        self.games = QwopVectorEnv(1, self.options, autoreset=False, render_mode=render_mode)
        self.metadata = {**self.metadata, "render_fps": self.games.metadata["render_fps"]}
        self.render_mode = render_mode
        self.observation_space = self.games.single_observation_space
        self.action_space = self.games.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], Info]:
        """Begins a new episode; without a seed the generator goes on.

        Returns:
            Observation, shape (d,), and info.

        Raises:
            Error: If the seed is not an integer of at least 0 (Gymnasium's own).
        """
        super().reset(seed=seed)
        self.games.generators[0] = self.np_random
        observations, infos = self.games.reset()
        return observations[0], _first(infos)

    def step(self, action: ArrayLike) -> tuple[NDArray[np.float32], float, bool, bool, Info]:
        """Holds the keys of an action, an index into the action set, for one decision.

        Returns:
            Observation, shape (d,), reward, terminated, truncated and info.

        Raises:
            ResetNeeded: If the environment was never reset.
            ValueError: If the action is not an integer in range.
        """
        if np.ndim(action) != 0:
            raise ValueError(f"an action must be one integer, got shape {np.shape(action)}")
        observations, rewards, terminated, truncated, infos = self.games.step(np.reshape(action, 1))
        return (
            observations[0],
            float(rewards[0]),
            bool(terminated[0]),
            bool(truncated[0]),
            _first(infos),
        )

    def render(self) -> NDArray[np.uint8] | None:
        """Draws the runner as an RGB image; returns None without a render mode.

        Raises:
            ResetNeeded: If the environment was never reset.
        """
        frames = self.games.render()
        return None if frames is None else frames[0]

    def get_keys_to_action(self) -> dict[tuple[int, ...], int]:
        """Returns actions by sorted key codes, at least one key each, for ``gymnasium.utils.play``.

        Q beats W and O beats P, as in the game. What the action set cannot hold is left out.
        """
        masks = ACTION_SETS[self.options.actions].tolist()
        acting = {effective_keys(mask): action for action, mask in reversed([*enumerate(masks)])}
        chosen = {}
        for mask in range(1, N_MASKS):
            action = masks.index(mask) if mask in masks else acting.get(effective_keys(mask))
            if action is not None:
                codes = sorted(ord(name) for name in key_names(mask).lower())
                chosen[tuple(codes)] = action
        return chosen


def _first(infos: dict[str, NDArray[Any]]) -> Info:
    return {
        name: values[0].item() for name, values in infos.items() if not name.endswith("final_obs")
    }
