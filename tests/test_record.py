"""The shipped record: its claims are true, and it covers what lies behind the hurdle."""

from pathlib import Path

import numpy as np
import pytest

from qwop_wr.evaluation.references import HUMAN_RECORD
from qwop_wr.simulator.exact import ExactSimulator
from qwop_wr.simulator.platforms import DEFAULT_PLATFORM
from qwop_wr.simulator.tape import Tape, record_file, verify_tape

RAW = Path(__file__).parents[1] / "data" / "01_raw"
RECORD = Tape.load(RAW / record_file("exact", DEFAULT_PLATFORM))
PLATFORMS_WITH_RECORDS = ("chromium", "firefox", "node")


@pytest.mark.parametrize("platform", PLATFORMS_WITH_RECORDS)
def test_the_record_replays_to_the_bit_and_beats_the_human_one(platform: str) -> None:
    tape = Tape.load(RAW / record_file("exact", platform))
    assert tape.platform == platform
    result = verify_tape(tape)
    assert result.finished
    assert result.distance >= 100.0
    assert result.score_time < HUMAN_RECORD.seconds


def test_games_beside_it_do_not_change_it() -> None:
    # Beside the record run games with other keys: some fall, some meet the hurdle later.
    keys = RECORD.per_tick_keys
    alone, together = ExactSimulator(1), ExactSimulator(5)
    for tick, mask in enumerate(keys):
        late = [keys[max(tick - wait, 0)] if tick >= wait else 0 for wait in (2, 40, 7)]
        alone.step(np.array([mask], dtype=np.uint8))
        together.step(np.array([*late[:2], mask, late[2], 5], dtype=np.uint8))
    np.testing.assert_array_equal(together.state[2], alone.state[0])
    assert together.landed[2]
    assert together.ticks[2] == RECORD.ticks
