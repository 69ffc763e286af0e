"""qwop verify."""

from dataclasses import replace
from pathlib import Path

from qwop_wr.simulator.tape import Tape
from tests.commands.qwop import qwop


def test_a_true_tape_is_told_in_one_line(tape_path: Path) -> None:
    tape = Tape.load(tape_path)
    result = qwop("verify", tape_path)
    assert result.exit_code == 0
    assert result.output == (
        f"{tape_path}: not finished, {tape.ticks} ticks, {(tape.ticks + 1) / 30:.3f} s, "
        f"{tape.distance:.1f} m\n"
    )


def test_false_and_missing_tapes_do_not_hide_the_true_ones(tape_path: Path) -> None:
    false = tape_path.with_name("false.qwop.json")
    replace(Tape.load(tape_path), distance=100.0).save(false)
    missing = tape_path.with_name("missing.qwop.json")
    result = qwop("verify", missing, false, tape_path)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [qwop("verify", tape_path).stdout.strip()]
    first, second = result.stderr.splitlines()
    assert first == f"Error: {missing}: cannot be read: No such file or directory"
    assert second.startswith(f"Error: {false}: false claim: distance is 100.0 on the tape, but ")
    assert second.endswith(" replayed")


def test_help_gives_examples() -> None:
    result = qwop("verify", "--help")
    assert result.exit_code == 0
    assert "  qwop verify record.qwop.json\n" in result.output


def test_a_tape_is_needed() -> None:
    result = qwop("verify")
    assert result.exit_code == 2
    assert "TAPE" in result.output
