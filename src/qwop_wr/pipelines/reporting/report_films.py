"""Which runs the report's player shows, and what it calls them."""

from collections.abc import Mapping

from qwop_wr.pipelines.reporting.report_content import as_metres, as_seconds, count
from qwop_wr.simulator.tape import Run, Tape
from qwop_wr.viewer import Film, shoot_film
from qwop_wr.viewer.player import MAX_FILMS


def choose_films(tapes: Mapping[str, Tape], guests: Mapping[str, Tape]) -> list[Film]:
    """Choose what the player shows: the run's own best first, then guests, then the rest.

    Args:
        tapes: Tapes of this run by name, at least one, whatever made them.
        guests: Tapes from elsewhere that join the race, by the name to be shown.

    Returns:
        One to five films; a run that is there twice is shown once.
    """
    ranked = sorted(tapes.items(), key=lambda item: item[1].rank)
    own = [(name_of(name, tape), tape) for name, tape in ranked]
    native = [entry for entry in own[1:] if entry[1].meta.get("protocol") == "native"]
    candidates = [own[0], *sorted(guests.items(), key=lambda item: item[1].rank), *native, *own]
    distinct: dict[tuple[str, tuple[Run, ...]], tuple[str, Tape]] = {}
    for label, tape in candidates:
        distinct.setdefault((tape.engine, tape.keys), (label, tape))
    chosen = list(distinct.values())[:MAX_FILMS]
    return [shoot_film(tape, label, describe_run(tape)) for label, tape in chosen]


def name_of(name: str, tape: Tape) -> str:
    """Name a run after what made it.

    Args:
        name: Name of the tape, for those whose origin is not known.
        tape: The tape.

    Returns:
        For instance ``Native run``, ``Seed 10017`` or ``Search``.
    """
    protocol = tape.meta.get("protocol")
    if protocol == "native":
        return "Native run"
    if protocol == "randomised":
        return f"Seed {tape.meta.get('seed')}"
    return "Search" if "search" in tape.meta else name.replace("_", " ")


def describe_run(tape: Tape) -> str:
    """Say how a run ended.

    Args:
        tape: The tape.

    Returns:
        Its time, or how far it got; and whether it waited at the start.
    """
    end = as_seconds(tape.score_time) if tape.finished else f"ended at {as_metres(tape.distance)}"
    waited = tape.meta.get("idle_ticks")
    return (
        f"{end}, waited {count(waited, 'tick')} first"
        if isinstance(waited, int) and waited
        else end
    )
