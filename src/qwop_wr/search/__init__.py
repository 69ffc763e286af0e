"""Search over exact clones of the game, guided by agents."""

from qwop_wr.search.beam import BeamSearch, SearchResult
from qwop_wr.search.guide import AgentGuide, Guide
from qwop_wr.search.options import SearchBudget, SearchOptions

__all__ = ["AgentGuide", "BeamSearch", "Guide", "SearchBudget", "SearchOptions", "SearchResult"]
