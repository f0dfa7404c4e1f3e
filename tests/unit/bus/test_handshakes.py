import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.bus._handshakes import HandshakeLedger

HANDSHAKE_SECONDS = 5.0


@pytest.fixture
def ledger() -> HandshakeLedger:
    return HandshakeLedger(HANDSHAKE_SECONDS)


def test_a_connection_that_ends_without_a_handshake_is_told_at_once(ledger):
    ledger.accepted(7, now=0.0)
    assert list(ledger.ended(7)) == [False]


def test_a_connection_that_ends_after_its_handshake_is_told_at_once(ledger):
    ledger.accepted(7, now=0.0)
    ledger.succeeded()
    assert list(ledger.ended(7)) == [True]


def test_garbage_beside_a_fresh_good_connection_is_told_at_once(ledger):
    ledger.accepted(7, now=0.0)
    ledger.succeeded()
    ledger.accepted(8, now=0.1)
    assert list(ledger.ended(8)) == [False]
    assert list(ledger.ended(7)) == [True]


def test_an_ending_that_may_be_either_waits_until_the_other_has_outlived_the_time_for_a_handshake(ledger):
    ledger.accepted(7, now=0.0)
    ledger.accepted(8, now=0.0)
    ledger.succeeded()
    assert list(ledger.ended(8)) == []
    assert list(ledger.tick(now=HANDSHAKE_SECONDS)) == []
    assert list(ledger.tick(now=HANDSHAKE_SECONDS + 1.1)) == [False]


def test_when_the_other_ends_as_well_one_of_the_two_had_shaken_hands(ledger):
    ledger.accepted(7, now=0.0)
    ledger.accepted(8, now=0.0)
    ledger.succeeded()
    assert list(ledger.ended(8)) == []
    endings = list(ledger.ended(7)) + list(ledger.tick(now=100.0))
    assert sorted(endings) == [False, True]


def test_a_failure_that_was_told_is_not_told_again_at_the_end(ledger):
    ledger.accepted(7, now=0.0)
    ledger.failed()
    assert list(ledger.ended(7)) == []


def test_a_refused_key_is_not_told_again_when_the_peer_hangs_up(ledger):
    ledger.accepted(7, now=0.0)
    ledger.refused()
    ledger.accepted(8, now=0.1)
    ledger.succeeded()
    assert list(ledger.ended(7)) == []
    assert list(ledger.ended(8)) == [True]


def test_a_descriptor_is_reused_without_mixing_up_its_connections(ledger):
    ledger.accepted(7, now=0.0)
    ledger.succeeded()
    assert list(ledger.tick(now=10.0)) == []
    assert list(ledger.ended(7)) == [True]
    ledger.accepted(7, now=11.0)
    assert list(ledger.ended(7)) == [False]


@given(seed=st.integers(0, 2**32), connections=st.integers(1, 12))
def test_in_the_end_the_sums_are_right_in_whatever_order_things_happen(seed, connections):
    chance = random.Random(seed)
    ledger, told, now = HandshakeLedger(HANDSHAKE_SECONDS), [], 0.0
    good = [chance.random() < 0.5 for _ in range(connections)]
    open_since: dict[int, float] = {}
    shaken: set[int] = set()
    waiting = list(range(connections))
    while waiting or open_since:
        now += chance.random()
        told += ledger.tick(now)
        fd = chance.choice(waiting + list(open_since))
        if fd in waiting:
            waiting.remove(fd)
            open_since[fd] = now
            ledger.accepted(fd, now)
        elif good[fd] and fd not in shaken:
            shaken.add(fd)
            ledger.succeeded()
        else:
            del open_since[fd]
            told += ledger.ended(fd)
        overdue = [fd for fd, since in open_since.items() if now - since > HANDSHAKE_SECONDS and fd not in shaken]
        for fd in overdue:  # libzmq cuts them off, but for those that are just about to succeed here
            if good[fd]:
                shaken.add(fd)
                ledger.succeeded()
            else:
                del open_since[fd]
                told += ledger.ended(fd)
    told += ledger.tick(now + 10 * HANDSHAKE_SECONDS)
    assert sorted(told) == sorted(good)
