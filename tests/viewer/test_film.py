"""Films: what the browser gets is the run."""

import base64
import json

import numpy as np
import pytest

from qwop_wr.evaluation.trajectory import Trajectory, tape_trajectory
from qwop_wr.simulator.tape import Tape
from qwop_wr.viewer import Film, shoot_film
from qwop_wr.viewer.film import MAX_TICKS, RESOLUTION


def decoded(film: Film) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    data = json.loads(json.dumps(film.to_json()))
    changes = np.frombuffer(base64.b64decode(data["changes"]), "<i2")
    changes = changes.reshape(data["ticks"], -1).astype(int)
    steps = np.cumsum(np.vstack([data["start"], changes]), axis=0)
    keys = np.frombuffer(base64.b64decode(data["keys"]), "u1")
    tenths = np.frombuffer(base64.b64decode(data["tenths"]), "<i2")
    return steps.reshape(len(steps), -1, 3) / RESOLUTION, keys, tenths / 10


def test_bodies_are_where_the_game_has_them(finish: Tape) -> None:
    trajectory = tape_trajectory(finish)
    bodies, keys, metres = decoded(shoot_film(finish, "record"))
    # Rounded once: no error adds up on the way to the finish.
    half_a_step = 0.5 / RESOLUTION
    assert np.abs(bodies[:, :12] - trajectory.state[:, :, :3]).max() <= half_a_step
    assert np.abs(bodies[:, 12:] - trajectory.hurdle[:, :, :3]).max() <= half_a_step
    assert keys.tolist() == finish.per_tick_keys.tolist()
    assert metres.tolist() == pytest.approx(trajectory.distance.tolist())
    assert metres[-1] == finish.distance


def test_the_hurdle_stands_until_it_is_kicked(finish: Tape) -> None:
    bodies, _, metres = decoded(shoot_film(finish, "record"))
    top = bodies[:, 13]
    before = np.flatnonzero(metres >= 45)[0]
    assert np.abs(top[:before] - top[0]).max() == 0
    assert top[0, 0] == pytest.approx(500.865, abs=0.001)


def test_clock_of_the_last_tick_is_the_tapes(finish: Tape, fall: Tape) -> None:
    for tape in (finish, fall):
        film = shoot_film(tape, "run")
        assert film.trajectory.clock[-1] == tape.score_time
        assert film.to_json()["ticks"] == tape.ticks
        assert film.to_json()["finished"] is tape.finished


def test_a_clock_that_skips_ticks_is_refused(fall: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    trajectory = tape_trajectory(fall)
    skipping = Trajectory(**{**vars(trajectory), "clock": trajectory.clock * 1.2})
    monkeypatch.setattr("qwop_wr.viewer.film.tape_trajectory", lambda tape: skipping)
    with pytest.raises(ValueError, match="'odd' does not count its ticks"):
        shoot_film(fall, "odd")


def test_five_of_the_longest_fit_into_a_page() -> None:
    still = Trajectory(
        keys=np.zeros(MAX_TICKS + 500, dtype=np.uint8),
        clock=np.arange(1, MAX_TICKS + 502) / 30,
        distance=np.zeros(MAX_TICKS + 501),
        state=np.zeros((MAX_TICKS + 501, 12, 6)),
        hurdle=np.zeros((MAX_TICKS + 501, 2, 6)),
        finished=True,
    )
    film = Film("long", "", still.first(MAX_TICKS))
    assert film.to_json()["ticks"] == MAX_TICKS
    assert film.to_json()["finished"] is False
    assert 5 * len(json.dumps(film.to_json())) < 4_000_000
