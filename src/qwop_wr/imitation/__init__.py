"""Recorded runs of other players, to learn from."""
