"""Faults of inputs, told with the name of the dataset that has them."""

from collections.abc import Iterator
from contextlib import contextmanager

from qwop_wr.errors import BadInputError


@contextmanager
def checking(dataset: str) -> Iterator[None]:
    """Tell a fault found in the block in one line that names the dataset.

    Args:
        dataset: Name of the dataset in the catalog.

    Yields:
        Nothing.

    Raises:
        BadInputError: If the block raises a ``ValueError``.
    """
    try:
        yield
    except ValueError as error:
        raise BadInputError(f"{dataset}: {error}") from error
