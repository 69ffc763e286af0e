"""Watching, key by key."""

import numpy as np
import pygame
import pytest

from qwop_wr.arena.runners import Runner, TapeKeys
from qwop_wr.arena.show import Show
from qwop_wr.arena.watch import Watch
from qwop_wr.simulator.tape import Tape


@pytest.fixture
def watch(fall: Tape) -> Watch:
    return Watch(Show([Runner("fall", TapeKeys(fall), "box2d")]))


def press(watch: Watch, *keys: int) -> None:
    for key in keys:
        watch.handle(pygame.event.Event(pygame.KEYDOWN, key=key))


def test_time_passes_at_the_games_rate(watch: Watch) -> None:
    for _ in range(10):
        watch.advance(0.1)
    assert watch.show.ticks == pytest.approx(30, abs=1)


def test_slow_motion_and_pause(watch: Watch) -> None:
    press(watch, pygame.K_DOWN)
    for _ in range(10):
        watch.advance(0.1)
    assert watch.show.ticks == pytest.approx(15, abs=1)
    press(watch, pygame.K_SPACE)
    ticks = watch.show.ticks
    watch.advance(1.0)
    assert watch.show.ticks == ticks


def test_single_ticks_pause(watch: Watch) -> None:
    press(watch, *[pygame.K_PERIOD] * 5)
    watch.advance(1.0)
    assert watch.show.ticks == 5
    there = watch.draw()
    press(watch, pygame.K_COMMA, pygame.K_COMMA)
    assert watch.show.ticks == 3
    assert (watch.draw() != there).any()
    press(watch, pygame.K_PERIOD, pygame.K_PERIOD)
    np.testing.assert_array_equal(watch.draw(), there)


def test_seconds_and_back_to_the_start(watch: Watch, fall: Tape) -> None:
    press(watch, pygame.K_RIGHT)
    assert watch.show.ticks == 30
    press(watch, *[pygame.K_RIGHT] * 5)
    assert watch.show.ticks == fall.ticks
    press(watch, pygame.K_LEFT)
    assert watch.show.ticks == fall.ticks - 30
    press(watch, pygame.K_r)
    assert watch.show.ticks == 0
    assert not watch.show.ended


def test_escape_closes_and_other_keys_do_nothing(watch: Watch) -> None:
    press(watch, pygame.K_q, pygame.K_F1)
    assert (watch.is_open, watch.show.ticks, watch.playback.is_paused) == (True, 0, False)
    press(watch, pygame.K_ESCAPE)
    assert not watch.is_open
