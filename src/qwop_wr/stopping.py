"""Stops on request: the first request waits for a safe point, the second stops at once."""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_requested = threading.Event()
_stopping_themselves: list[object] = []


def stop_requested() -> bool:
    """Return whether work should end at its next safe point."""
    return _requested.is_set()


def stop_if_requested() -> None:
    """Raise ``KeyboardInterrupt`` if a stop was requested.

    Raises:
        KeyboardInterrupt: If it was.
    """
    if _requested.is_set():
        raise KeyboardInterrupt


@contextmanager
def stops_itself() -> Iterator[None]:
    """Declare that the block polls :func:`stop_requested` and ends when it is true.

    Only inside such a block is the first signal deferred; otherwise it raises at once, so
    that a stop never hangs.

    Raises:
        KeyboardInterrupt: At the end of the block, if a stop was requested meanwhile.
    """
    mark = object()
    _stopping_themselves.append(mark)
    try:
        yield
    finally:
        _stopping_themselves.remove(mark)
    stop_if_requested()


@contextmanager
def stop_signals() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into requests to stop while the block runs.

    The first one is a request if something stops itself, and ``KeyboardInterrupt``
    otherwise; every further one is ``KeyboardInterrupt``. A signal that was ignored, as
    in a shell's background job, stays ignored. Threads other than the main one have no
    signals; there the block runs as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _requested.clear()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    handled = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in handled:
        signal.signal(number, _handle)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
        _requested.clear()


def _handle(signum: int, frame: FrameType | None) -> None:
    if _requested.is_set() or not _stopping_themselves:
        raise KeyboardInterrupt
    _requested.set()
    logger.warning("Stopping after the current step. Once more ends at once.")
