"""Agents that learn from any vectorised gymnasium environment with discrete actions."""
