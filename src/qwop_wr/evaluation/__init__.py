"""Honest measurement: protocols, statistics and the summary that others read."""
