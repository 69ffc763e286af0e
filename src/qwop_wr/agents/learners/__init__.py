"""Algorithms behind one interface: our own, and those of stable-baselines3 and sb3-contrib."""
