"""Kedro pipelines: thin nodes over the simulator, environments, agents and evaluation."""
