"""Playing by hand."""

import numpy as np
import pygame
import pytest

from qwop_wr.arena.play import Play
from qwop_wr.arena.runners import Runner
from qwop_wr.simulator import make_simulator
from qwop_wr.simulator.keys import O, P, Q, W
from qwop_wr.simulator.tape import Tape, verify_tape

TICK = 1 / 30 + 1e-6


def press(play: Play, key: int) -> None:
    play.handle(pygame.event.Event(pygame.KEYDOWN, key=key))


def release(play: Play, key: int) -> None:
    play.handle(pygame.event.Event(pygame.KEYUP, key=key))


def fall_over(play: Play) -> None:
    press(play, pygame.K_o)
    while not play.runner.ended:
        play.advance(TICK)
    release(play, pygame.K_o)


def test_the_clock_waits_for_the_first_key() -> None:
    play = Play(engine="box2d")
    play.advance(0.2)
    assert play.runner.played == []
    press(play, pygame.K_w)
    play.advance(TICK)
    assert play.runner.played == [W]


def test_keys_are_held_from_press_to_release() -> None:
    play = Play(engine="box2d")
    press(play, pygame.K_q)
    press(play, pygame.K_p)
    play.advance(TICK)
    release(play, pygame.K_q)
    press(play, pygame.K_w)
    play.advance(TICK)
    press(play, pygame.K_o)
    release(play, pygame.K_o)
    play.advance(TICK)
    play.advance(TICK)
    assert play.runner.played == [Q | P, W | P, W | O | P, W | P]


def test_keys_are_released_when_the_window_loses_the_keyboard() -> None:
    play = Play(engine="box2d")
    press(play, pygame.K_q)
    play.advance(TICK)
    play.handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    play.advance(TICK)
    assert play.runner.played == [Q, 0]


@pytest.mark.parametrize("engine", ["exact", "box2d"])
def test_recorded_runs_repeat_from_their_keys(engine: str) -> None:
    ended: list[tuple[list[int], float]] = []

    def keep(runner: Runner) -> None:
        ended.append((runner.played.copy(), runner.clock))

    play = Play(on_end=keep, engine=engine)
    for _ in range(2):
        fall_over(play)
        play.advance(1.0)
        press(play, pygame.K_r)
    assert play.runs == len(ended) == 2
    assert ended[0] == ended[1]
    tape = Tape.record(np.array(ended[1][0], dtype=np.uint8), engine)
    assert verify_tape(tape).score_time == ended[1][1]


def test_without_recording_a_new_run_goes_on_with_the_used_world() -> None:
    play = Play(engine="exact")
    fall_over(play)
    keys = np.array([O], dtype=np.uint8)
    used = make_simulator("exact")
    used.step(keys, len(play.runner.played))
    used.reset(soft=True)
    press(play, pygame.K_r)
    assert play.runner.played == []
    assert play.runner.simulator.state.tobytes() == used.state.tobytes()
    assert play.runner.simulator.score_time == used.score_time


def test_giving_up_is_not_an_end() -> None:
    ended: list[Runner] = []
    play = Play(on_end=ended.append, engine="box2d")
    press(play, pygame.K_q)
    play.advance(TICK)
    press(play, pygame.K_r)
    press(play, pygame.K_ESCAPE)
    assert (ended, play.runs, play.is_open) == ([], 0, False)


def test_pictures_tell_what_happened() -> None:
    play = Play(engine="box2d")
    before = play.draw()
    fall_over(play)
    after = play.draw()
    banner = (slice(160, 250), slice(570, 930))
    assert (before[banner] != after[banner]).any()
