"""What the injector decides: pure, by seed and by the time that it is told."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, BadInput, Quote, Trade
from ib_gateway.simulator.faults import (
    KINDS,
    AnswerError,
    AnyFault,
    ConnectivityLost,
    ConnectivityRestored,
    Delay,
    Disconnect,
    Drop,
    Duplicate,
    FarmOutage,
    Freeze,
    HalfOpen,
    Injector,
    Newest,
    Notice,
    Reorder,
    Restart,
    StuckClientId,
    TwoFactor,
    fault_of,
    parse,
)
from ib_gateway.simulator.faults.effects import Ask, Close, GoOn, LoseSubscriptions, Posture, Stall, Tell
from ib_gateway.simulator.messages import replies, requests
from ib_gateway.simulator.server.faults import message_kinds

KINDS_OF_MESSAGES = message_kinds()
TIME, NEXT_ID = replies.CurrentTime(1_780_671_600), replies.NextValidId(1)
QUESTION = requests.CurrentTime()


@pytest.fixture
def injector():
    return Injector(KINDS_OF_MESSAGES, seed=1)


def seconds(number):
    return round(number * NS_PER_SECOND)


def hears(injector, reply=TIME, client_id=1, now=0.0, solicited=True):
    """The replies that a client hears of one."""
    effects = injector.outgoing(client_id, reply, seconds(now), solicited=solicited)
    return [effect.reply for effect in effects if isinstance(effect, Tell) and effect.client_id in (None, client_id)]


def codes(effects):
    return [effect.reply.code for effect in effects if isinstance(effect, Tell)]


# As values


def test_every_fault_is_written_and_read_back_by_its_name():
    for name, kind in KINDS.items():
        required = {"code": 2103, "message": "any", "text": "x", "delay_seconds": 1.0}
        fields = {field.name for field in msgspec.structs.fields(kind) if field.required}
        written = {"kind": name, **{field: required[field] for field in fields}}
        if name == "answer-error":
            written["code"] = 201
        fault = fault_of(written)
        assert type(fault) is kind
        assert msgspec.json.decode(msgspec.json.encode(fault), type=AnyFault) == fault
        assert kind.__doc__


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("freeze", "a fault is a mapping with its `kind`, one of connectivity-lost"),
        ({"kind": 3}, "there is no fault 3; there are"),
        ({"kind": "drop", "message": "any", "probability": 1.5}, "probability"),
        ({"kind": "drop", "message": "any", "count": 0}, "count"),
        ({"kind": "restart", "down_seconds": -1}, "down_seconds"),
        ({"kind": "farm-outage", "farm": "hogfarm"}, "farm"),
        ({"kind": "notice", "code": 1100}, "code"),
        ({"kind": "duplicate", "message": "any", "copies": 1001}, "copies"),
        ({"kind": "connectivity-lost", "for_seconds": "a while"}, "for_seconds"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(content, words):
    with pytest.raises(BadInput, match=words):
        fault_of(content)


# Lasting


def test_nothing_passes_through_an_injector_without_faults_on_messages(injector):
    assert injector.quiet
    freeze, _ = injector.inject(Freeze(), 0)
    assert injector.quiet  # sockets are somebody else's
    drop, _ = injector.inject(Drop(message="any"), 0)
    assert not injector.quiet
    injector.clear(drop, 0)
    assert injector.quiet
    injector.clear(freeze, 0)
    assert injector.posture == Posture()


def test_a_fault_ends_when_its_time_is_up_and_not_before(injector):
    number, _ = injector.inject(Freeze(for_seconds=5.0), seconds(10))
    assert injector.next_due_ns == seconds(15)
    injector.due(seconds(14.9))
    assert injector.posture.frozen
    injector.due(seconds(15))
    assert not injector.posture.frozen
    assert injector.clear(number, seconds(16)) == []


def test_two_faults_of_a_kind_hold_until_both_are_over(injector):
    first, _ = injector.inject(Freeze(), 0)
    second, _ = injector.inject(Freeze(), 0)
    injector.clear(first, 0)
    assert injector.posture.frozen
    injector.clear(second, 0)
    assert not injector.posture.frozen


def test_two_losses_are_restored_once_both_are_over(injector):
    first, effects = injector.inject(ConnectivityLost(), 0)
    second, more = injector.inject(ConnectivityLost(data="lost"), 0)
    assert codes(effects) + codes(more) == [1100, 1100]
    assert injector.clear(first, 0) == []
    lost, told = injector.clear(second, 0)
    assert isinstance(lost, LoseSubscriptions)
    assert told.reply.code == 1101


def test_a_restart_keeps_the_port_closed_while_a_login_still_waits(injector):
    _, effects = injector.inject(Restart(down_seconds=5.0, two_factor=True), 0)
    assert effects == [Close(None)]
    assert injector.posture.port == "restarting"
    injector.due(seconds(5))
    assert injector.posture.port == "waiting-for-two-factor"
    injector.approve(seconds(6))
    assert injector.posture.port == "open"


def test_repeated_notices_end_with_the_loss(injector):
    injector.inject(ConnectivityLost(for_seconds=10.0, repeat_seconds=3.0), 0)
    said = [code for at in range(30) for code in codes(injector.due(seconds(at)))]
    assert said == [1100, 1100, 1100, 1102]
    assert injector.next_due_ns is None


def test_a_restoration_ends_a_loss_early(injector):
    injector.inject(ConnectivityLost(for_seconds=10.0), 0)
    _, effects = injector.inject(ConnectivityRestored(), seconds(2))
    assert codes(effects) == [1102]
    assert injector.quiet
    assert injector.due(seconds(20)) == []


def test_what_is_half_open_stalls_those_that_it_names(injector):
    assert injector.inject(HalfOpen(), 0)[1] == []
    assert injector.posture.new_sockets_stall == {1}
    assert injector.inject(HalfOpen(sockets="existing", client_id=3), 0)[1] == [Stall(3, 2)]
    assert injector.clear(1, 0) == [GoOn(1)]
    assert not injector.posture.new_sockets_stall
    assert injector.inject(HalfOpen(sockets="all"), 0)[1] == [Stall(None, 3)]
    assert injector.posture.new_sockets_stall == {3}
    assert injector.clear(2, 0) == [GoOn(2)]  # the other one's sockets do not go on with it


def test_ids_are_stuck_that_were_in_use(injector):
    injector.came(1, 0)
    everyone, _ = injector.inject(StuckClientId(), 0)
    injector.came(2, 0)
    injector.gone(1)
    injector.gone(2)
    assert [injector.is_stuck(client_id) for client_id in (1, 2, 3)] == [True, True, False]
    injector.clear(everyone, 0)
    assert not injector.is_stuck(1)
    injector.inject(StuckClientId(client_id=3), 0)
    assert injector.is_stuck(3)


# Messages


def test_faults_on_messages_hit_their_kind_direction_and_client_only(injector):
    injector.inject(Drop(message="CurrentTime", client_id=1), 0)
    assert hears(injector, TIME) == []
    assert hears(injector, NEXT_ID) == [NEXT_ID]
    assert hears(injector, TIME, client_id=2) == [TIME]
    assert injector.incoming(1, QUESTION, 0) == [Ask(1, QUESTION)]


@pytest.mark.parametrize("name", ["CurrentTime", "currenttime", "49"])
def test_messages_are_named_by_class_or_number(injector, name):
    injector.inject(Drop(message=name), 0)
    assert hears(injector) == []


def test_a_count_is_kept_and_then_the_fault_is_over(injector):
    injector.inject(Drop(message="CurrentTime", count=2), 0)
    assert [len(hears(injector)) for _ in range(4)] == [0, 0, 1, 1]
    assert not injector.active()
    assert injector.quiet


def test_duplicates_of_duplicates_multiply(injector):
    injector.inject(Duplicate(message="any"), 0)
    injector.inject(Duplicate(message="CurrentTime", copies=2), 0)
    assert hears(injector) == [TIME] * 6
    assert hears(injector, NEXT_ID) == [NEXT_ID] * 2


def test_what_is_dropped_first_is_not_answered_with_an_error_later(injector):
    injector.inject(Drop(message="CurrentTime", direction="request"), 0)
    injector.inject(AnswerError(message="CurrentTime", code=321, text="no"), 0)
    assert injector.incoming(1, QUESTION, 0) == []


def test_an_error_instead_of_an_answer_carries_the_request_id(injector):
    injector.inject(AnswerError(message="CancelOrder", code=161, text="no"), 0)
    effects = injector.incoming(7, requests.CancelOrder(42), 0)
    assert effects == [Tell(7, replies.Error(42, 161, "no"))]


def test_delayed_messages_come_in_the_order_of_their_times(injector):
    injector.inject(Delay(message="any", delay_seconds=1.0), 0)
    for number in range(5):
        assert hears(injector, replies.NextValidId(number), now=number / 10) == []
    came = [effect.reply.order_id for effect in injector.due(seconds(1.25))]
    assert came == [0, 1, 2]
    assert [effect.reply.order_id for effect in injector.due(seconds(9))] == [3, 4]


def test_nothing_waits_for_a_client_that_has_left(injector):
    injector.inject(Delay(message="NextValidId", delay_seconds=1.0), 0)
    injector.inject(Reorder(message="CurrentTime", behind=5), 0)
    injector.came(1, 0)
    assert hears(injector) == hears(injector, NEXT_ID) == []
    injector.gone(1)
    injector.came(1, 0)
    assert injector.due(seconds(10)) == []


def test_clearing_a_reordering_lets_go_of_what_it_held(injector):
    number, _ = injector.inject(Reorder(message="CurrentTime", behind=5, at_most_seconds=60), 0)
    assert hears(injector) == []
    assert injector.clear(number, 0) == [Tell(1, TIME)]


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 5), st.integers(0, 1000))
def test_a_reordering_loses_nothing_doubles_nothing_and_keeps_the_order_of_the_others(which, behind, seed):
    injector = Injector(KINDS_OF_MESSAGES, seed)
    injector.inject(Reorder(message="CurrentTime", behind=behind, probability=0.5), 0)
    said = [replies.CurrentTime(n) if late else replies.NextValidId(n) for n, late in enumerate(which)]
    heard = [reply for message in said for reply in hears(injector, message)]
    heard += [effect.reply for effect in injector.due(seconds(5))]
    assert sorted(map(repr, heard)) == sorted(map(repr, said))
    others = [message for message in heard if isinstance(message, replies.NextValidId)]
    assert all(first.order_id < second.order_id for first, second in pairwise(others))


@given(st.integers(0, 100), st.floats(0, 1), st.lists(st.integers(1, 4), max_size=60))
def test_what_chance_hits_depends_on_the_seed_and_on_a_clients_own_messages(seed, probability, clients):
    def fates(order):
        injector = Injector(KINDS_OF_MESSAGES, seed)
        injector.inject(Drop(message="CurrentTime", probability=probability), 0)
        told = [(client_id, len(hears(injector, client_id=client_id))) for client_id in order]
        return {client_id: [fate for other, fate in told if other == client_id] for client_id in clients}

    assert fates(clients) == fates(clients) == fates(sorted(clients))


# The link


def test_a_lost_link_lets_through_what_the_gateway_knows_itself(injector):
    number, _ = injector.inject(ConnectivityLost(), 0)
    assert injector.incoming(1, QUESTION, 0) == [Ask(1, QUESTION)]
    assert injector.incoming(1, requests.OpenOrders(), 0) == []
    assert hears(injector, TIME, solicited=True) == [TIME]
    assert hears(injector, TIME, solicited=False) == []
    assert hears(injector, replies.Error(-1, 2104, "Market data farm connection is OK:usfarm")) == []
    effects = injector.clear(number, 0)
    assert effects[-1] == Ask(1, requests.OpenOrders())


def test_ticks_of_a_lost_link_are_told_as_they_are_when_it_is_back(injector):
    number, _ = injector.inject(ConnectivityLost(), 0)
    for price in (1.0, 2.0, 3.0):
        assert hears(injector, replies.TickPrice(5, 1, price, 10.0), solicited=False) == []
    first, *rest = injector.clear(number, 0)
    assert first.reply.code == 1102
    assert rest == [Tell(1, replies.TickPrice(5, 1, 3.0, 10.0))]


def test_what_a_client_missed_is_not_told_to_the_next_of_its_id(injector):
    number, _ = injector.inject(ConnectivityLost(), 0)
    hears(injector, replies.TickPrice(5, 1, 1.0, 10.0), solicited=False)
    injector.incoming(1, requests.OpenOrders(), 0)
    injector.gone(1)
    assert len(injector.clear(number, 0)) == 1


# Conflation


def test_the_newest_of_each_stream_is_kept_and_nothing_else():
    newest = Newest()
    bid, ask = replies.TickPrice(1, 1, 1.0, 5.0), replies.TickPrice(1, 2, 1.1, 5.0)
    assert newest.keep(bid)
    assert newest.keep(ask)
    assert newest.keep(replies.TickPrice(1, 1, 1.05, 7.0))
    assert newest.keep(replies.TickSize(1, 0, 7.0))
    for kept in (replies.OrderStatus(1, "Filled", 1, 0, 1, 1, 0, 1, 1), TIME, replies.Error(1, 202, "")):
        assert not newest.keep(kept)
    assert newest.take() == [replies.TickPrice(1, 1, 1.05, 7.0), ask, replies.TickSize(1, 0, 7.0)]
    assert not newest
    assert newest.replaced == 1


def test_of_ticks_by_tick_the_last_quote_and_trade_of_each_instrument_are_kept():
    newest = Newest()
    quotes = [Quote(name, 1.0 + n, 2.0 + n, 1.0, 1.0, n, n) for n, name in enumerate(["A", "B", "A", "A"])]
    trade = Trade("A", 1.5, 1.0, 2, 2)
    for event in [*quotes, trade]:
        assert newest.keep(replies.TickByTick((event,), {"A": 1, "B": 2}, {}, {"A": 3}, {}))
    (kept,) = newest.take()
    assert list(kept.events) == [quotes[1], trade, quotes[3]]


# Scenarios


def played(text, injector=None):
    injector = injector or Injector(KINDS_OF_MESSAGES)
    injector.load(parse(text), 0)
    return injector


def test_the_nth_message_sets_a_fault_off_after_itself():
    injector = played("steps:\n- after: {message: CurrentTime, number: 2}\n  fault: {kind: drop, message: CurrentTime}")
    assert [len(hears(injector)) for _ in range(4)] == [1, 1, 0, 0]


def test_messages_of_one_client_are_counted_alone():
    step = "steps:\n- after: {message: CurrentTime, direction: request, number: 2, client_id: 2}\n  fault: {kind: disconnect}"
    injector = played(step)
    happened = [injector.incoming(client_id, QUESTION, 0)[1:] for client_id in (1, 2, 1, 1, 2, 2)]
    assert happened == [[], [], [], [], [Close(None)], []]
    assert injector.quiet  # nothing waits any more


def test_a_fault_that_comes_with_each_message_by_chance_comes_at_the_same_ones():
    def run(seed):
        step = "- each: {message: CurrentTime, probability: 0.3}\n  fault: {kind: notice, code: 2107}"
        injector = played(f"seed: {seed}\nsteps:\n{step}")
        return [len(injector.outgoing(1, TIME, 0, solicited=True)) - 1 for _ in range(100)]

    assert run(5) == run(5) != run(6)
    assert 15 <= sum(run(5)) <= 45


def test_offsets_count_from_the_loading_and_days_from_the_calendar():
    friday = 1_780_671_600 * NS_PER_SECOND  # 2026-06-05 15:00 UTC
    text = (
        'steps:\n- at: "00:01:30"\n  fault: {kind: notice, code: 2107}\n'
        '- at: "23:45 America/New_York"\n  days: [sun]\n  fault: {kind: restart}\n'
    )
    injector = Injector(KINDS_OF_MESSAGES)
    injector.load(parse(text), friday)
    assert codes(injector.due(friday + seconds(89))) == []
    assert codes(injector.due(friday + seconds(90))) == [2107]
    sunday = friday + seconds(2 * 86_400 + 12 * 3600 + 45 * 60)  # Monday 03:45 UTC
    assert injector.next_due_ns == sunday
    injector.due(sunday)
    assert injector.posture.port == "restarting"
    injector.due(sunday + seconds(60))
    assert injector.next_due_ns == sunday + seconds(7 * 86_400)


def test_a_time_of_day_keeps_to_the_clock_on_the_wall_when_summer_ends():
    injector = Injector(KINDS_OF_MESSAGES)
    saturday = 1_793_448_000 * NS_PER_SECOND  # 2026-10-31 12:00 UTC; clocks go back on Sunday
    injector.load(parse('steps:\n- at: "23:45 America/New_York"\n  fault: {kind: notice, code: 2107}'), saturday)
    due = []
    for _ in range(2):
        due.append(injector.next_due_ns)
        injector.due(due[-1])
    assert due[1] - due[0] == seconds(25 * 3600)


def test_a_scenario_takes_the_place_of_the_one_before(injector):
    played('steps:\n- at: "00:01:00"\n  fault: {kind: notice, code: 2107}', injector)
    played('steps:\n- at: "00:02:00"\n  fault: {kind: notice, code: 2108}', injector)
    assert codes(injector.due(seconds(600))) == [2108]
    played("steps:\n- after: {message: any, number: 1}\n  fault: {kind: disconnect}", injector)
    injector.unload()
    assert injector.quiet


def test_a_scenario_of_a_message_that_there_is_not_is_refused_when_it_is_loaded(injector):
    for step in (
        "- after: {message: Nothing, number: 1}\n  fault: {kind: freeze}",
        '- at: "00:01:00"\n  fault: {kind: drop, message: Nothing}',
    ):
        with pytest.raises(BadInput, match="there is no reply 'Nothing'; there are any, "):
            played(f"steps:\n{step}", injector)


def test_notices_out_of_the_blue_harm_nothing(injector):
    _, effects = injector.inject(Notice(code=2105), 0)
    assert codes(effects) == [2105]
    assert injector.quiet
    assert not injector.active()


def test_a_farm_that_loses_data_loses_them_when_it_comes_back(injector):
    number, effects = injector.inject(FarmOutage(data="lost"), 0)
    assert effects == []
    assert injector.clear(number, 0) == [LoseSubscriptions()]


def test_what_happens_once_is_never_in_force(injector):
    for fault in (Disconnect(), ConnectivityRestored()):
        injector.inject(fault, 0)
    assert injector.active() == []
    injector.inject(FarmOutage(farm="ushmds"), 0)
    injector.inject(TwoFactor(), 0)
    assert injector.posture.farms_down == {"ushmds"}
    injector.clear_all(0)
    assert injector.posture == Posture()
