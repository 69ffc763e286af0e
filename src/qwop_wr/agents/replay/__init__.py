"""Replay: what was experienced, and what was demonstrated."""
