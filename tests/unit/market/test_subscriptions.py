"""Desired subscriptions: what is wanted outlives what was asked for, and only a tick proves that it flows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import Refused
from atlas.market import Subscription, Subscriptions, SubscriptionState

EURUSD = Subscription("EUR.USD@IDEALPRO", "quote")
AAPL = Subscription("AAPL@SMART", "quote")
ES = Subscription("ES-202612@CME", "trade")


def asked(subscriptions: Subscriptions) -> Subscriptions:
    """As a shell that does what the difference says."""
    difference = subscriptions.difference()
    for subscription in difference.subscribe:
        subscriptions = subscriptions.after_asking(subscription)
    for subscription in difference.cancel:
        subscriptions = subscriptions.after_cancel(subscription)
    return subscriptions


def test_what_is_wanted_is_asked_for_once():
    subscriptions = Subscriptions().want("robot", [EURUSD, AAPL])
    assert subscriptions.difference().subscribe == (AAPL, EURUSD)
    assert asked(subscriptions).difference().subscribe == ()


def test_a_subscription_is_up_only_after_its_first_tick():
    subscriptions = Subscriptions().want("robot", [EURUSD])
    assert subscriptions.state(EURUSD) is SubscriptionState.WANTED
    subscriptions = asked(subscriptions)
    assert subscriptions.state(EURUSD) is SubscriptionState.ASKED
    assert subscriptions.down == (EURUSD,)
    subscriptions = subscriptions.after_tick(EURUSD)
    assert subscriptions.state(EURUSD) is SubscriptionState.UP
    assert subscriptions.down == ()


def test_after_a_loss_everything_is_asked_for_again_and_nothing_is_up():
    subscriptions = asked(Subscriptions().want("robot", [EURUSD, ES])).after_tick(EURUSD).after_loss()
    assert subscriptions.difference().subscribe == (ES, EURUSD)
    assert subscriptions.down == (ES, EURUSD)


def test_the_loss_of_one_farm_leaves_the_others_up():
    subscriptions = asked(Subscriptions().want("robot", [EURUSD, ES])).after_tick(EURUSD).after_tick(ES).after_loss([ES])
    assert subscriptions.difference().subscribe == (ES,)
    assert subscriptions.state(EURUSD) is SubscriptionState.UP


def test_a_subscription_lives_as_long_as_one_owner_wants_it():
    subscriptions = asked(Subscriptions().want("one", [EURUSD]).want("two", [EURUSD, ES]))
    subscriptions = subscriptions.release("two")
    assert subscriptions.difference().cancel == (ES,)
    subscriptions = subscriptions.release("one", [EURUSD])
    assert subscriptions.difference().cancel == (ES, EURUSD)
    assert asked(subscriptions) == Subscriptions()


def test_a_tick_that_was_never_asked_for_makes_nothing_up():
    subscriptions = Subscriptions().want("robot", [EURUSD])
    assert subscriptions.after_tick(EURUSD) == subscriptions
    assert subscriptions.state(ES) is None


def test_asking_again_means_waiting_for_a_tick_again():
    subscriptions = asked(Subscriptions().want("robot", [EURUSD])).after_tick(EURUSD)
    assert subscriptions.after_asking(EURUSD).state(EURUSD) is SubscriptionState.ASKED


def test_more_than_the_broker_has_lines_is_refused_with_the_names_of_the_holders():
    subscriptions = Subscriptions(limit=2).want("one", [EURUSD]).want("two", [EURUSD, ES])
    with pytest.raises(Refused, match=r"there are 2; held by one \(1\), two \(2\)"):
        subscriptions.want("three", [AAPL])
    assert subscriptions.want("three", [ES]).wanted == {EURUSD, ES}, "what flows already costs no line"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["want", "release", "ask", "loss", "farm", "tick"]),
        st.sampled_from(["one", "two"]),
        st.sampled_from([EURUSD, AAPL, ES]),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_happens_following_the_difference_ends_with_what_is_wanted(steps):
    subscriptions = Subscriptions()
    for what, owner, subscription in steps:
        subscriptions = {
            "want": lambda s, o=owner, x=subscription: s.want(o, [x]),
            "release": lambda s, o=owner, x=subscription: s.release(o, [x]),
            "ask": asked,
            "loss": lambda s: s.after_loss(),
            "farm": lambda s, x=subscription: s.after_loss([x]),
            "tick": lambda s, x=subscription: s.after_tick(x),
        }[what](subscriptions)
        assert subscriptions.up <= subscriptions.asked
    subscriptions = asked(subscriptions)
    assert subscriptions.asked == subscriptions.wanted
    assert asked(subscriptions) == subscriptions
