"""Search over exact clones of the game, guided by agents."""

from qwop_wr.search.beam import BeamSearch
from qwop_wr.search.budget import SearchBudget
from qwop_wr.search.guide import AgentGuide, Guide
from qwop_wr.search.options import SearchOptions
from qwop_wr.search.result import SearchResult

__all__ = ["AgentGuide", "BeamSearch", "Guide", "SearchBudget", "SearchOptions", "SearchResult"]
