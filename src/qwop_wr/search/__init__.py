"""Search over exact clones of the game, guided by agents."""

from qwop_wr.search.beam import BeamSearch, SearchResult
from qwop_wr.search.guide import AgentGuide, Guide
from qwop_wr.search.options import SearchOptions

__all__ = ["AgentGuide", "BeamSearch", "Guide", "SearchOptions", "SearchResult"]
