"""The state of a connection: every event in every state, and what must hold on every way through them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND
from atlas.ib.link import (
    Answered,
    Beat,
    Closed,
    DialFailed,
    Dialled,
    Effect,
    Heard,
    Limits,
    Link,
    LinkState,
    LoginWaits,
    OrdersAreStuck,
    SessionBegun,
    SocketLost,
    Unanswered,
    step,
)
from atlas.market.windows import Window

S = LinkState
LOST, DATA_LOST, DATA_KEPT, RESET = Heard(1100), Heard(1101), Heard(1102), Heard(1300)
BROKEN = Heard(2110)
NIGHT = Window("the nightly restart", 0, 10**18)
SUNDAY = Window("the weekly login", 0, 10**18, needs_login=True)
BEAT = Beat(1)
LIMITS = Limits(silent_beats=2, help_after_attempts=3, deadline_ns=60 * NS_PER_SECOND)

TO_USERS = [Effect.RESUBSCRIBE, Effect.VERIFY, Effect.RECONCILE, Effect.BACKFILL]
NEW = [Effect.RESUBSCRIBE, Effect.RECONCILE, Effect.BACKFILL]


def walk(*events, link=None):
    """The link after these events, and all effects on the way."""
    link, said = link or Link(limits=LIMITS), []
    for event in events:
        link, effects = step(link, event)
        said += effects
    return link, said


WAYS = {
    S.CLOSED: [],
    S.CONNECTING: [Dialled()],
    S.DISCONNECTED: [Dialled(), DialFailed()],
    S.REFUSED: [Dialled(), DialFailed("client id in use (326)")],
    S.WAITING_FOR_LOGIN: [Dialled(), DialFailed(), LoginWaits(True)],
    S.IN_WINDOW: [Dialled(), DialFailed(), Beat(1, NIGHT)],
    S.SYNCHRONISING: [Dialled(), SessionBegun()],
    S.UP: [Dialled(), SessionBegun(), Answered()],
    S.BROKER_LOST: [Dialled(), SessionBegun(), Answered(), LOST],
    S.RESTORED_DATA_LOST: [Dialled(), SessionBegun(), Answered(), LOST, DATA_LOST],
    S.RESTORED_DATA_KEPT: [Dialled(), SessionBegun(), Answered(), LOST, DATA_KEPT],
    S.HALF_OPEN: [Dialled(), SessionBegun(), Answered(), Unanswered()],
    S.PORT_RESET: [Dialled(), SessionBegun(), Answered(), RESET],
}
"""How to come into each state."""

EVENTS = {
    "dialled": Dialled(),
    "begun": SessionBegun(),
    "failed": DialFailed(),
    "refused": DialFailed("no"),
    "socket lost": SocketLost(),
    "closed": Closed(),
    "answered": Answered(),
    "unanswered": Unanswered(),
    "1100": LOST,
    "2110": BROKEN,
    "1101": DATA_LOST,
    "1102": DATA_KEPT,
    "1300": RESET,
    "farm": Heard(2103, "Market data farm connection is broken:usfarm"),
    "night": Beat(2, NIGHT),
    "sunday": Beat(2, SUNDAY),
    "beat": BEAT,
}

_OFFLINE = {"closed": S.CLOSED, "night": S.IN_WINDOW, "sunday": S.WAITING_FOR_LOGIN}
_ONLINE = {
    "socket lost": S.DISCONNECTED,
    "failed": S.DISCONNECTED,
    "refused": S.REFUSED,
    "closed": S.CLOSED,
    "unanswered": S.HALF_OPEN,
    "1100": S.BROKER_LOST,
    "2110": S.BROKER_LOST,
    "1101": S.RESTORED_DATA_LOST,
    "1102": S.RESTORED_DATA_KEPT,
    "1300": S.PORT_RESET,
}
TABLE = {
    S.CLOSED: {"dialled": S.CONNECTING},
    S.CONNECTING: {**_OFFLINE, "begun": S.SYNCHRONISING, "failed": S.DISCONNECTED, "refused": S.REFUSED},
    S.DISCONNECTED: {**_OFFLINE, "dialled": S.CONNECTING, "refused": S.REFUSED},
    S.REFUSED: {**_OFFLINE, "failed": S.DISCONNECTED, "night": S.REFUSED, "sunday": S.REFUSED},
    S.WAITING_FOR_LOGIN: {**_OFFLINE, "night": S.WAITING_FOR_LOGIN},
    S.IN_WINDOW: {**_OFFLINE, "refused": S.REFUSED, "beat": S.DISCONNECTED},
    S.SYNCHRONISING: {**_ONLINE, "answered": S.UP, "1102": S.RESTORED_DATA_LOST},  # a new session has no data to keep
    S.UP: {**_ONLINE},
    S.BROKER_LOST: {**_ONLINE},
    S.RESTORED_DATA_LOST: {**_ONLINE, "answered": S.UP, "1102": S.RESTORED_DATA_LOST},
    S.RESTORED_DATA_KEPT: {**_ONLINE, "answered": S.UP},
    # 1100 to 1102 of a gateway that says things and answers nothing: 1101 and 1102 are to be proven anew
    S.HALF_OPEN: {**_ONLINE, "answered": S.UP, "1100": S.HALF_OPEN, "2110": S.HALF_OPEN},
    S.PORT_RESET: dict.fromkeys(_ONLINE, S.PORT_RESET)
    | {"socket lost": S.DISCONNECTED, "failed": S.DISCONNECTED, "refused": S.REFUSED, "closed": S.CLOSED},
}
"""From each state, by each event, to which state; an event without a row leaves it."""


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("state", WAYS)
def test_every_event_in_every_state_leads_where_the_table_says(state, name):
    link, _ = walk(*WAYS[state])
    assert link.state is state
    after, _ = step(link, EVENTS[name])
    assert after.state is TABLE[state].get(name, state)


def test_the_table_has_every_state_and_only_one_of_them_takes_orders():
    assert set(TABLE) == set(WAYS) == set(LinkState)
    assert [state for state, way in WAYS.items() if walk(*way)[0].is_up] == [S.UP]


# What each recovery asks for


def test_a_new_session_asks_for_everything_once_it_is_proven():
    link, said = walk(Dialled(), SessionBegun())
    assert said == [Effect.PROBE]
    link, said = walk(Answered(), link=link)
    assert said == NEW
    assert walk(Answered(), Answered(), link=link)[1] == []


@pytest.mark.parametrize(
    ("code", "asked"),
    [(DATA_LOST, NEW), (DATA_KEPT, [Effect.VERIFY, Effect.RECONCILE, Effect.BACKFILL])],
)
def test_1101_subscribes_again_and_1102_looks_whether_it_ticks_and_both_reconcile_and_backfill(code, asked):
    link, _ = walk(*WAYS[S.BROKER_LOST])
    link, said = walk(code, link=link)
    assert said == [Effect.PROBE]
    assert not link.is_up
    assert walk(Answered(), link=link)[1] == asked


def test_what_was_lost_stays_lost_through_a_second_loss_in_which_nothing_was():
    link, _ = walk(*WAYS[S.RESTORED_DATA_LOST])
    link, said = walk(LOST, DATA_KEPT, Answered(), link=link)
    assert link.is_up
    assert Effect.RESUBSCRIBE in said


def test_an_answer_of_the_gateway_does_not_bring_the_broker_back():
    link, said = walk(Answered(), Answered(), link=walk(*WAYS[S.BROKER_LOST])[0])
    assert link.state is S.BROKER_LOST
    assert said == []


def test_one_missed_answer_probes_and_what_may_have_been_missed_is_looked_up_when_it_answers_again():
    link, _ = walk(*WAYS[S.UP])
    link, said = walk(Unanswered(), link=link)
    assert said == [Effect.PROBE]
    assert walk(Answered(), link=link)[1] == [Effect.VERIFY, Effect.RECONCILE]


def test_two_missed_answers_hang_up_and_the_end_of_the_socket_reconnects_once():
    link, said = walk(*WAYS[S.UP], Unanswered(), Unanswered())
    assert said[-1] is Effect.HANG_UP
    link, said = walk(SocketLost(), SocketLost(), link=link)
    assert said == [Effect.RECONNECT]


def test_a_broker_that_is_lost_while_we_connect_is_not_forgotten():
    link, said = walk(Dialled(), BROKEN, SessionBegun(), Answered())
    assert link.state is S.BROKER_LOST
    assert Effect.RESUBSCRIBE not in said
    assert walk(DATA_KEPT, Answered(), link=link)[1] == [Effect.PROBE, Effect.RESUBSCRIBE, Effect.VERIFY, *NEW[1:]]


def test_a_new_session_knows_nothing_of_the_farms_of_the_last():
    link, _ = walk(*WAYS[S.UP], EVENTS["farm"])
    assert link.farms.broken == ("usfarm",)
    assert link.is_up, "a farm that is down stops its data and no order"
    assert walk(SocketLost(), Dialled(), link=link)[0].farms.broken == ()


# Alarms


def beats(*seconds, window=None):
    return [Beat(second * NS_PER_SECOND, window) for second in seconds]


def test_a_loss_is_one_alarm_however_long_and_one_all_clear():
    link, said = walk(*WAYS[S.UP], SocketLost(), *beats(1, 2, 3))
    assert said.count(Effect.RAISE) == 1
    link, said = walk(Dialled(), DialFailed(), *beats(4), Dialled(), SessionBegun(), Answered(), link=link)
    assert said[-1] is Effect.CLEAR
    assert Effect.RAISE not in said


def test_a_loss_beyond_the_deadline_is_critical_once():
    _, said = walk(*WAYS[S.UP], SocketLost(), *beats(10, 69, 70, 71, 500))
    assert [effect for effect in said if effect in (Effect.RAISE, Effect.ESCALATE)] == [Effect.RAISE, Effect.ESCALATE]
    _, said = walk(*WAYS[S.UP], SocketLost(), *beats(10, 69))
    assert Effect.ESCALATE not in said


def test_a_known_window_explains_a_loss_and_its_end_does_not():
    link, said = walk(*WAYS[S.UP], SocketLost(), *beats(1, 2, 3, 900, window=NIGHT))
    assert link.state is S.IN_WINDOW
    assert Effect.RAISE not in said
    link, said = walk(*beats(901), link=link)
    assert said == [Effect.RAISE]
    assert walk(*beats(960), link=link)[1] == []
    assert walk(*beats(961), link=link)[1] == [Effect.ESCALATE], "the deadline counts from where nothing explains it"


def test_a_loss_in_an_open_window_is_in_the_window_from_the_start():
    link, _ = walk(*WAYS[S.UP], *beats(1, window=NIGHT), SocketLost())
    assert link.state is S.IN_WINDOW


@pytest.mark.parametrize("way", [S.BROKER_LOST, S.HALF_OPEN, S.SYNCHRONISING, S.REFUSED, S.DISCONNECTED, S.WAITING_FOR_LOGIN])
def test_a_link_that_is_not_up_is_a_failed_beat_whatever_the_socket_says(way):
    assert Effect.RAISE in walk(*WAYS[way], BEAT)[1]


def test_a_beat_of_a_link_that_is_up_or_closed_is_no_alarm():
    assert walk(*WAYS[S.UP], *beats(1, 100, 1000))[1] == [Effect.PROBE, *NEW]
    assert walk(*beats(1, 100, 1000))[1] == []


def test_help_is_asked_for_once_after_so_many_attempts_and_again_after_the_next_loss():
    failing = [Dialled(), DialFailed()]
    link, said = walk(*WAYS[S.UP], SocketLost(), *failing * 2)
    assert Effect.ASK_FOR_HELP not in said
    link, said = walk(*failing * 5, link=link)
    assert said == [Effect.ASK_FOR_HELP]
    _, said = walk(Dialled(), SessionBegun(), Answered(), SocketLost(), *failing * 3, link=link)
    assert said.count(Effect.CLEAR) == said.count(Effect.ASK_FOR_HELP) == 1


def test_a_gateway_that_greets_and_never_answers_is_a_failed_attempt():
    _, said = walk(*[Dialled(), SessionBegun(), Unanswered(), DialFailed()] * 3)
    assert Effect.ASK_FOR_HELP in said


@pytest.mark.parametrize("waiting", [[LoginWaits(True)], [Beat(1, SUNDAY)]])
def test_a_login_that_waits_for_a_person_is_never_a_reason_to_restart(waiting):
    link, said = walk(*WAYS[S.UP], SocketLost(), *waiting, *[Dialled(), DialFailed()] * 20)
    assert link.state is S.WAITING_FOR_LOGIN
    assert Effect.ASK_FOR_HELP not in said


def test_our_client_id_stuck_with_live_orders_asks_for_help_at_once_and_without_any_waits():
    link, _ = walk(*WAYS[S.UP], SocketLost(), Dialled(), DialFailed("client id in use (326)"))
    assert walk(OrdersAreStuck(0), link=link)[1] == []
    link, said = walk(OrdersAreStuck(2), OrdersAreStuck(2), link=link)
    assert said == [Effect.ASK_FOR_HELP]
    assert link.stuck_orders == 2


def test_closing_on_purpose_is_no_loss_and_clears_what_was_raised():
    link, said = walk(*WAYS[S.UP], SocketLost(), BEAT, Closed())
    assert said[-2:] == [Effect.RAISE, Effect.CLEAR]
    assert walk(SocketLost(), BEAT, LOST, Answered(), Unanswered(), DialFailed(), link=link) == (link, [])


# On every way

DIALS = st.sampled_from([Dialled(), SessionBegun(), DialFailed(), DialFailed("no"), SocketLost()])
CODES = st.sampled_from([LOST, BROKEN, DATA_LOST, DATA_KEPT, RESET, EVENTS["farm"], Heard(999, "?")])
BEATS = st.builds(Beat, st.integers(0, 10**12), st.sampled_from([None, None, NIGHT, SUNDAY]))
OTHERS = st.sampled_from(
    [Answered(), Answered(), Unanswered(), LoginWaits(True), LoginWaits(False), OrdersAreStuck(1), Closed()]
)
EVERYTHING = st.lists(st.one_of(DIALS, CODES, BEATS, OTHERS), max_size=60)


@given(EVERYTHING)
def test_on_every_way_alarms_are_raised_once_and_cleared_once_and_never_while_it_is_up(events):
    link, raised = Link(limits=LIMITS), set()
    for event in events:
        link, effects = step(link, event)
        for effect in effects:
            if effect in (Effect.RAISE, Effect.ESCALATE, Effect.ASK_FOR_HELP):
                assert effect not in raised
                raised.add(effect)
            if effect is Effect.CLEAR:
                assert raised
                raised.clear()
        assert link.raised == raised
        if link.is_up or link.state is S.CLOSED:
            assert not raised


@given(EVERYTHING)
def test_on_every_way_users_are_only_asked_when_it_comes_up_and_nothing_owed_is_forgotten(events):
    link, owed = Link(limits=LIMITS), set()
    for event in events:
        before, (link, effects) = link, step(link, event)
        asked = [effect for effect in effects if effect in TO_USERS]
        if isinstance(event, SessionBegun) and link.state is not before.state:
            owed |= set(NEW)
        if event == DATA_LOST and before.state not in (S.CLOSED, S.CONNECTING) and before.has_session:
            owed |= set(NEW)
        if asked:
            assert link.is_up
            assert not before.is_up
        if link.is_up:
            owed -= set(asked)
            assert not owed
        if isinstance(event, Closed):
            owed.clear()


@given(EVERYTHING)
def test_on_every_way_up_means_a_session_that_answers_with_the_broker_behind_it(events):
    link = Link(limits=LIMITS)
    for event in events:
        before, (link, _) = link, step(link, event)
        if link.is_up and not before.is_up:
            assert isinstance(event, Answered)
        if event in (LOST, BROKEN, DATA_LOST, DATA_KEPT, RESET) or isinstance(event, (SocketLost, Unanswered)):
            assert not link.is_up or not before.is_up or before == link


@given(EVERYTHING)
def test_on_every_way_ends_an_answered_session_up(events):
    link, _ = walk(*events, SocketLost(), Closed(), Dialled(), SessionBegun(), Answered())
    assert link.is_up
    assert link == replace(link, owed=frozenset(), raised=frozenset(), failed_attempts=0, silent=0)
