"""The experiments of the pipeline train."""

from tests.pipelines.train.conftest import experiments

__all__ = ["experiments"]
