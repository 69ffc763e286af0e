"""Ticks that are due."""

import pytest

from qwop_wr.arena.playback import SPEEDS, Playback


@pytest.mark.parametrize("frame", [1 / 240, 1 / 60, 1 / 30, 1 / 7])
def test_a_second_has_thirty_ticks_at_any_frame_rate(frame: float) -> None:
    playback = Playback()
    frames = round(2 / frame)
    assert sum(playback.due(frame) for _ in range(frames)) == pytest.approx(60, abs=1)


@pytest.mark.parametrize("steps", range(-3, 3))
def test_speeds_are_as_they_are_called(steps: int) -> None:
    playback = Playback()
    playback.change_speed(steps)
    ticks = sum(playback.due(0.01) for _ in range(1000))
    assert ticks == pytest.approx(300 * playback.speed, abs=1)
    assert playback.status == SPEEDS[playback.speed]


def test_speed_has_limits() -> None:
    playback = Playback()
    playback.change_speed(-100)
    assert playback.speed == min(SPEEDS)
    playback.change_speed(100)
    assert playback.speed == max(SPEEDS)


def test_nothing_is_due_in_a_pause_nor_after_it() -> None:
    playback = Playback()
    playback.due(0.03)
    playback.toggle()
    assert playback.status == "paused"
    assert playback.due(5.0) == 0
    playback.toggle()
    assert playback.due(0.03) == 0


def test_a_window_that_was_held_up_does_not_race() -> None:
    assert Playback().due(60.0) < 10
