"""A journal is of one account: another account has another one, and one in a wrong place is refused with both named."""

import pytest

from atlas.domain import OrderEvent, OrderEventKind, Refused
from services.trader.journal_home import open_journal


def write(tmp_path, broker, account):
    with open_journal(tmp_path, "trader", broker, account) as journal:
        journal.append(OrderEvent(1, "robot-1-0", "robot", OrderEventKind.SENT, 1))
        return journal.folder


def count(tmp_path, broker, account):
    with open_journal(tmp_path, "trader", broker, account) as journal:
        return len(list(journal.read()))


def test_another_account_begins_with_an_empty_journal_and_the_first_finds_its_own_again(tmp_path):
    write(tmp_path, "ib", "DU1")
    assert count(tmp_path, "ib", "DU2") == 0
    assert count(tmp_path, "ib", "DU1") == 1


def test_a_journal_that_was_moved_to_another_account_is_refused_and_both_are_named(tmp_path):
    folder = write(tmp_path, "ib", "DU1")
    folder.rename(folder.with_name("DU2"))
    with pytest.raises(Refused, match=r"'ib DU1', .* trades 'ib DU2'"):
        open_journal(tmp_path, "trader", "ib", "DU2")
    with pytest.raises(Refused, match="'ib DU1'"):  # it was let go, and is not said to be in use
        open_journal(tmp_path, "trader", "ib", "DU2")


def test_an_account_on_paper_is_not_the_brokers_of_the_same_id(tmp_path):
    write(tmp_path, "ib", "DU1")
    with pytest.raises(Refused, match=r"'ib DU1', .* trades 'paper DU1'"):
        open_journal(tmp_path, "trader", "paper", "DU1")
