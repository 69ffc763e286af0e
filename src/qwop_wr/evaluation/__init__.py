"""Evaluation of agents: protocols, statistics, comparisons and the summary."""
