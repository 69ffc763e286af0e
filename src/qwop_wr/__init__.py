"""The QWOP 100 m world record by a machine, and the pipeline that makes it."""

__version__ = "0.1.0"
