"""Runs of other players as something to learn from."""
