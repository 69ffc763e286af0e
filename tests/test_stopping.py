"""Stops: the first is a request where work stops itself, and everything else ends at once."""

import signal
import threading

import pytest

from qwop_wr.stopping import stop_if_requested, stop_requested, stop_signals, stops_itself

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_where_nothing_stops_itself_the_first_signal_ends_at_once(number: int) -> None:
    with stop_signals(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


@pytest.mark.parametrize("number", SIGNALS)
def test_work_that_stops_itself_is_asked_first(number: int) -> None:
    steps = []

    def work() -> None:
        with stops_itself():
            for step in range(10):
                if step == 3:
                    signal.raise_signal(number)
                steps.append(step)
                if stop_requested():
                    break

    with stop_signals():
        with pytest.raises(KeyboardInterrupt):
            work()
        with pytest.raises(KeyboardInterrupt):
            stop_if_requested()
    assert steps == [0, 1, 2, 3]
    stop_if_requested()


def test_the_second_signal_ends_at_once() -> None:
    def work() -> None:
        with stops_itself():
            signal.raise_signal(signal.SIGTERM)
            assert stop_requested()
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("still at work")

    with stop_signals(), pytest.raises(KeyboardInterrupt):
        work()


def test_a_promise_ends_with_its_block() -> None:
    def work() -> None:
        with stops_itself():
            pass
        signal.raise_signal(signal.SIGTERM)
        raise AssertionError("still at work")

    with stop_signals(), pytest.raises(KeyboardInterrupt):
        work()


def test_handlers_are_given_back_and_requests_forgotten() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with stop_signals(), pytest.raises(KeyboardInterrupt), stops_itself():
        signal.raise_signal(signal.SIGTERM)
    assert [signal.getsignal(number) for number in SIGNALS] == before
    assert not stop_requested()


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_signals(), stops_itself():
            signal.raise_signal(signal.SIGINT)
            assert not stop_requested()
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_run_as_they_are() -> None:
    ran = []

    def work() -> None:
        with stop_signals():
            ran.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ran == [before]
