"""What the broker's codes mean for an order."""

import pytest

from atlas.trading.broker_codes import CODES, Meaning, is_temporary, meaning_of


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (103, Meaning.REJECTED),
        (104, Meaning.GONE),
        (105, Meaning.GONE),
        (110, Meaning.REJECTED),
        (135, Meaning.GONE),
        (161, Meaning.REFUSED),
        (201, Meaning.REJECTED),
        (202, Meaning.CANCELLED),
        (321, Meaning.REJECTED),
        (399, Meaning.NOTICE),
        (404, Meaning.NOTICE),
        (2109, Meaning.NOTICE),
        (10147, Meaning.GONE),
        (10148, Meaning.REFUSED),
        (99_999, Meaning.NOTICE),
    ],
)
def test_each_code_means_what_the_broker_says(code, meaning):
    assert meaning_of(code) is meaning


def test_each_code_is_listed_once_with_words():
    assert len({code.number for code in CODES}) == len(CODES)
    assert all(code.words for code in CODES)


def test_only_what_may_pass_later_is_temporary():
    assert [code.number for code in CODES if is_temporary(code.number)] == [154, 164, 10006]
    assert not is_temporary(201)
    assert not is_temporary(99_999)
