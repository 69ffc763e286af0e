"""A Kedro project in a few lines, run with this project's settings."""
