"""Which runs become demonstrations."""

from pydantic import BaseModel, ConfigDict, Field

from qwop_wr.evaluation.options import Seed
from qwop_wr.search.options import SearchOptions


class ExpertRunsOptions(BaseModel):
    """Runs of the expert."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    episodes: int = Field(ge=0, le=10_000)
    """Number of episodes to play; 0 leaves the source out."""
    first_seed: Seed
    """Episodes have this seed and those that follow."""
    deterministic: bool
    """Take the expert's best action; else draw from its policy."""
    finished_only: bool
    """Leave out episodes that did not finish."""


class SearchRunsOptions(BaseModel):
    """Runs that beam searches find."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    runs: int = Field(ge=0, le=1000)
    """Number of searches; 0 leaves the source out."""
    idle_ticks: int = Field(default=30, ge=0, le=600)
    """Every run waits up to so many ticks at the start, for variety."""
    search: SearchOptions = SearchOptions(width=32)
    """How to search."""


class FileRunsOptions(BaseModel):
    """Tapes and recordings from files."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    folder: bool
    """Take the tapes in the folder of ``demonstration_tapes``."""
    record: bool
    """Take the record tape."""
    finished_only: bool = True
    """Leave out tapes that do not finish."""
    recordings: bool = True
    """Take the recordings in the folder of ``demonstration_recordings``."""
