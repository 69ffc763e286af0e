"""The times to beat, each with who ran it and how it is known."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class ReferenceTime:
    """A published finish of the 100 m: displayed time [s], who ran it and how it is known."""

    name: str
    seconds: float
    source: str
    human: bool = False


HUMAN_RECORD: Final = ReferenceTime(
    "Human record", 45.53, "kurodo1916, video on speedrun.com", human=True
)

BEST_AI_CLAIM: Final = ReferenceTime(
    "Best AI claim",
    45.167,
    "PPO by the author of qwop-python, 2026, video; best of about 800 stochastic episodes "
    "from a modified reset, no keys published",
)

REFERENCE_TIMES: Final = (
    BEST_AI_CLAIM,
    HUMAN_RECORD,
    ReferenceTime(
        "Wesley Liao",
        47.34,
        "demonstrations, about 40 h of self-play, 2021, article and video",
    ),
    ReferenceTime(
        "qwop-gym", 53.0, "QR-DQN, 32 M steps, no demonstrations, about 53 s on the project's page"
    ),
    ReferenceTime(
        "qwop-python", 66.4, "its published DQNfD agent, replayed in the original game's physics"
    ),
)
"""Fastest first. No key file of any of the first four is public."""

HUMAN_SPLITS: Final = {10: 7.64, 50: 24.38, 80: 37.28, 100: HUMAN_RECORD.seconds}
"""Clock [s] at which the human record passes each mark [m], read off its video."""
