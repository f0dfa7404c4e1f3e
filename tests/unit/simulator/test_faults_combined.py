"""What the injector makes of several faults at a time, and of values that no gateway can have."""

import contextlib
from math import inf, nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.domain import NS_PER_SECOND, BadInput
from ib_gateway.simulator.faults import (
    KINDS,
    AnswerError,
    ConnectivityLost,
    ConnectivityRestored,
    Delay,
    Drop,
    Duplicate,
    FarmOutage,
    HalfOpen,
    Injector,
    Newest,
    Notice,
    Reorder,
    fault_of,
    parse,
)
from ib_gateway.simulator.faults.effects import Ask, GoOn, LoseSubscriptions, Tell
from ib_gateway.simulator.faults.notices import notice
from ib_gateway.simulator.messages import replies, requests
from ib_gateway.simulator.server.faults import message_kinds

KINDS_OF_MESSAGES = message_kinds()
TIME, NEXT_ID = replies.CurrentTime(1_780_671_600), replies.NextValidId(1)
TICK = replies.TickPrice(5, 1, 1.0, 10.0)
LOST = replies.Error(-1, 1100, "Connectivity between IB and Trader Workstation has been lost.")
QUESTION, ORDERS = requests.CurrentTime(), requests.OpenOrders()


@pytest.fixture
def injector():
    injector = Injector(KINDS_OF_MESSAGES, seed=1)
    injector.came(1, 0)
    return injector


def seconds(number):
    return round(number * NS_PER_SECOND)


def said(effects):
    return [effect.reply for effect in effects if isinstance(effect, Tell)]


def codes(effects):
    return [reply.code for reply in said(effects)]


def hears(injector, reply=TIME, now=0.0, solicited=True):
    return said(injector.outgoing(1, reply, seconds(now), solicited=solicited))


# What comes late


@pytest.mark.parametrize(
    "late", [Delay(message="any", delay_seconds=1.0), Reorder(message="any", behind=9, at_most_seconds=1.0)]
)
@pytest.mark.parametrize(
    ("younger", "comes"),
    [(Drop(message="CurrentTime"), []), (Duplicate(message="CurrentTime", copies=2), [TIME] * 3), (Drop(message="3"), [TIME])],
)
def test_what_comes_late_passes_the_faults_that_are_younger(injector, late, younger, comes):
    injector.inject(late, 0)
    injector.inject(younger, 0)
    assert hears(injector) == []
    assert said(injector.due(seconds(1))) == comes


def test_what_comes_late_does_not_pass_older_faults_again(injector):
    injector.inject(Duplicate(message="CurrentTime"), 0)
    injector.inject(Delay(message="CurrentTime", delay_seconds=1.0), 0)
    injector.inject(Delay(message="CurrentTime", delay_seconds=1.0), 0)
    assert hears(injector) == []
    assert said(injector.due(seconds(1.9))) == []
    assert said(injector.due(seconds(2))) == [TIME] * 2


def test_what_comes_late_passes_the_faults_that_have_come_meanwhile(injector):
    injector.inject(Delay(message="CurrentTime", delay_seconds=1.0), 0)
    hears(injector)
    injector.inject(Drop(message="CurrentTime"), seconds(0.5))
    assert injector.due(seconds(1)) == []


def test_what_a_reordering_lets_go_when_it_is_cleared_passes_the_younger_ones(injector):
    number, _ = injector.inject(Reorder(message="CurrentTime", behind=9), 0)
    injector.inject(Duplicate(message="CurrentTime"), 0)
    hears(injector)
    assert said(injector.clear(number, 0)) == [TIME] * 2


def test_a_late_request_passes_the_younger_ones_too(injector):
    injector.inject(Delay(message="any", direction="request", delay_seconds=1.0), 0)
    injector.inject(AnswerError(message="CurrentTime", code=321, text="no"), 0)
    assert injector.incoming(1, QUESTION, 0) == []
    assert injector.due(seconds(1)) == [Tell(1, replies.Error(-1, 321, "no"))]


@given(st.floats(0.1, 5), st.floats(0.1, 5), st.integers(0, 100))
def test_a_jitter_spreads_messages_over_its_whole_width_by_the_seed(delay, jitter, seed):
    def times(seed):
        injector = Injector(KINDS_OF_MESSAGES, seed)
        injector.inject(Delay(message="any", delay_seconds=delay, jitter_seconds=jitter), 0)
        for _ in range(50):
            hears(injector)
        due = []
        while injector.next_due_ns is not None:
            due += [injector.next_due_ns / NS_PER_SECOND] * len(injector.due(injector.next_due_ns))
        return due

    came = times(seed)
    assert len(came) == 50
    assert delay - 1e-6 <= min(came) < delay + jitter / 2 < max(came) <= delay + jitter + 1e-6
    assert times(seed) == came != times(seed + 1)


# Late, and the link lost meanwhile


def test_a_delayed_tick_does_not_break_the_silence_and_the_newest_comes_afterwards(injector):
    injector.inject(Delay(message="TickPrice", delay_seconds=1.0, count=1), 0)
    assert hears(injector, TICK, solicited=False) == []
    lost, _ = injector.inject(ConnectivityLost(), seconds(0.5))
    assert said(injector.due(seconds(1))) == []
    told, tick = said(injector.clear(lost, seconds(2)))
    assert (told.code, tick) == (1102, TICK)


def test_a_delayed_order_message_that_comes_due_in_a_loss_is_missed_like_those_of_the_loss(injector):
    status = replies.OrderStatus(1, "Filled", 1, 0, 1, 1, 0, 1, 1)
    for tell_missed, after in ((False, []), (True, [status])):
        delay, _ = injector.inject(Delay(message="OrderStatus", delay_seconds=1.0), 0)
        hears(injector, status)
        injector.clear(delay, 0)
        lost, _ = injector.inject(ConnectivityLost(tell_missed=tell_missed), 0)
        assert said(injector.due(seconds(1))) == []
        assert said(injector.clear(lost, seconds(1)))[1:] == after


def test_what_the_gateway_says_of_itself_comes_late_in_a_loss_as_well(injector):
    injector.inject(Delay(message="any", delay_seconds=1.0), 0)
    injector.inject(ConnectivityLost(), 0)
    hears(injector, TIME)
    assert [getattr(reply, "code", reply) for reply in said(injector.due(seconds(1)))] == [1100, TIME]


def test_a_delayed_request_that_comes_due_in_a_loss_waits_for_its_end(injector):
    injector.inject(Delay(message="OpenOrders", direction="request", delay_seconds=1.0), 0)
    younger, _ = injector.inject(Duplicate(message="OpenOrders", direction="request"), 0)
    assert injector.incoming(1, ORDERS, 0) == []
    lost, _ = injector.inject(ConnectivityLost(), 0)
    assert injector.due(seconds(1)) == []
    assert injector.clear(lost, seconds(2))[1:] == [Ask(1, ORDERS)] * 2
    assert injector.clear(younger, seconds(2)) == []
    assert injector.due(seconds(9)) == []


def test_every_request_of_a_loss_is_acted_on_afterwards_in_its_order(injector):
    lost, _ = injector.inject(ConnectivityLost(), 0)
    asked = [requests.OpenOrders(), requests.Positions(), requests.OpenOrders()]
    for request in asked:
        assert injector.incoming(1, request, 0) == []
    assert injector.clear(lost, 0)[1:] == [Ask(1, request) for request in asked]


def test_requests_that_were_held_pass_faults_on_messages_afterwards(injector):
    lost, _ = injector.inject(ConnectivityLost(), 0)
    injector.inject(Drop(message="OpenOrders", direction="request", count=1), 0)
    for _ in range(2):
        injector.incoming(1, ORDERS, 0)
    assert injector.clear(lost, 0)[1:] == [Ask(1, ORDERS)]


def test_errors_about_orders_are_told_afterwards_where_what_was_missed_is(injector):
    cancelled, warning = replies.Error(7, 202, "Order Canceled - reason:"), replies.Error(-1, 2148, "something else")
    for tell_missed, after in ((False, []), (True, [cancelled])):
        lost, _ = injector.inject(ConnectivityLost(tell_missed=tell_missed), 0)
        for error in (cancelled, warning):
            assert hears(injector, error, solicited=False) == []
        assert said(injector.clear(lost, 0))[1:] == after


# Several losses, farms and half-open sockets


@pytest.mark.parametrize(("first", "second"), [("lost", "maintained"), ("maintained", "lost"), ("lost", "lost")])
@pytest.mark.parametrize("ends_first", [0, 1])
def test_of_several_losses_one_that_loses_data_is_enough(injector, first, second, ends_first):
    losses = [injector.inject(ConnectivityLost(data=data), 0)[0] for data in (first, second)]
    assert injector.clear(losses.pop(ends_first), 0) == []
    done, told = injector.clear(losses[0], 0)
    assert (done, told.reply.code) == (LoseSubscriptions(), 1101)
    again, _ = injector.inject(ConnectivityLost(), 0)
    assert codes(injector.clear(again, 0)) == [1102]  # the next one begins afresh


def test_what_becomes_of_requests_follows_the_losses_that_are_left(injector):
    first, _ = injector.inject(ConnectivityLost(requests="held"), 0)
    second, _ = injector.inject(ConnectivityLost(requests="lost"), 0)
    injector.incoming(1, requests.Positions(), 0)
    injector.clear(second, 0)
    injector.incoming(1, ORDERS, 0)
    assert injector.clear(first, 0)[1:] == [Ask(1, ORDERS)]


def test_a_restoration_that_says_what_became_of_data_is_believed(injector):
    injector.inject(ConnectivityLost(data="lost"), 0)
    assert codes(injector.inject(ConnectivityRestored(data="maintained"), 0)[1]) == [1102]


@pytest.mark.parametrize(("farm", "effects"), [("usfarm", [LoseSubscriptions()]), ("ushmds", []), ("secdefil", [])])
def test_only_the_farm_of_market_data_can_lose_streams(injector, farm, effects):
    outage, _ = injector.inject(FarmOutage(farm=farm, data="lost"), 0)
    assert injector.clear(outage, 0) == effects


def test_each_half_open_fault_ends_by_itself(injector):
    numbers = [injector.inject(HalfOpen(sockets="existing", client_id=client_id), 0)[0] for client_id in (1, 2)]
    assert [injector.clear(number, 0) for number in numbers] == [[GoOn(number)] for number in numbers]


# What the gateway says itself


def test_notices_of_a_loss_are_dropped_doubled_and_delayed_as_other_errors(injector):
    injector.inject(Drop(message="Error", count=1), 0)
    lost, effects = injector.inject(ConnectivityLost(), 0)
    assert effects == []
    injector.inject(Duplicate(message="Error", count=1), 0)
    assert codes(injector.clear(lost, 0)) == [1102, 1102]
    injector.inject(Delay(message="Error", delay_seconds=1.0), 0)
    assert injector.inject(Notice(code=2107), 0)[1] == []
    assert codes(injector.due(seconds(1))) == [2107]


def test_faults_of_one_client_leave_the_notices_of_others_alone(injector):
    injector.came(2, 0)
    injector.inject(Drop(message="Error", client_id=1), 0)
    assert injector.inject(ConnectivityLost(), 0)[1] == [Tell(2, LOST)]
    assert injector.came(1, 0) == []
    assert codes(injector.came(2, 0)) == [2110]


def test_ticks_that_waited_for_the_link_pass_faults_on_messages(injector):
    lost, _ = injector.inject(ConnectivityLost(), 0)
    injector.inject(Drop(message="TickPrice"), 0)
    hears(injector, TICK, solicited=False)
    assert codes(injector.clear(lost, 0)) == [1102]


def test_an_error_in_place_of_an_answer_is_a_reply_as_any_other(injector):
    injector.inject(Duplicate(message="Error"), 0)
    injector.inject(AnswerError(message="CurrentTime", code=321, text="no"), 0)
    assert codes(injector.incoming(1, QUESTION, 0)) == [321, 321]
    injector.inject(Drop(message="Error"), 0)
    assert injector.incoming(1, QUESTION, 0) == []


def test_a_notice_is_told_to_its_client_only(injector):
    injector.came(2, 0)
    assert injector.inject(Notice(code=2107, client_id=1), 0)[1] == [Tell(1, notice(2107))]
    assert injector.inject(Notice(code=2107), 0)[1] == [Tell(None, notice(2107))]


def test_what_faults_say_sets_off_no_step(injector):
    injector.load(parse("steps:\n- each: {message: Error, probability: 1}\n  fault: {kind: notice, code: 2107}"), 0)
    assert [effect.reply.code for effect in injector.outgoing(1, replies.Error(1, 200, ""), 0, solicited=True)] == [200, 2107]


def test_the_farm_that_a_notice_names_is_the_usual_one_or_any():
    assert notice(2119) == replies.Error(-1, 2119, "Market data farm is connecting:usfarm")
    assert notice(2119, "hfarm") == replies.Error(-1, 2119, "Market data farm is connecting:hfarm")


def test_of_profits_only_the_newest_is_kept():
    newest = Newest()
    for amount in (1.0, 2.0):
        assert newest.keep(replies.Pnl(1, amount, amount, amount))
        assert newest.keep(replies.Pnl(2, -amount, amount, amount))
        assert newest.keep(replies.PnlSingle(3, amount, amount, amount, amount, amount))
    assert newest.take() == [
        replies.Pnl(1, 2.0, 2.0, 2.0), replies.Pnl(2, -2.0, 2.0, 2.0), replies.PnlSingle(3, 2.0, 2.0, 2.0, 2.0, 2.0),
    ]  # fmt: skip


# Values


@pytest.mark.parametrize(
    "make",
    [
        lambda: ConnectivityLost(repeat_seconds=1e-9),
        lambda: ConnectivityLost(repeat_seconds=0.0999),
        lambda: ConnectivityLost(for_seconds=inf),
        lambda: Delay(message="any", delay_seconds=nan),
        lambda: KINDS["correct-execution"](price=-inf),
        lambda: KINDS["correct-execution"](quantity=inf),
        lambda: AnswerError(message="any", code=1, text="a\0b"),
        lambda: AnswerError(message="any", code=1, text="\x85"),
        lambda: Notice(code=2104, farm="us\nfarm"),
        lambda: Notice(code=2104, farm="\ud800"),
    ],
)
def test_a_fault_with_a_value_that_makes_no_sense_cannot_be_made(make):
    with pytest.raises(ValueError, match=r"must|at least"):
        make()


def test_a_repetition_is_ten_times_a_second_at_most(injector):
    injector.inject(ConnectivityLost(repeat_seconds=0.1), 0)
    assert len(injector.due(seconds(10))) == 100


@pytest.mark.parametrize(
    "step",
    [
        "{kind: connectivity-lost, repeat_seconds: 1.0e-9}",
        "{kind: freeze, for_seconds: .inf}",
        "{kind: correct-execution, price: .nan}",
        "{kind: correct-execution, quantity: 1.0e+300}",
        "{kind: answer-error, message: any, code: 99999999999, text: x}",
        '{kind: answer-error, message: any, code: 1, text: "a\\0b"}',
        "{kind: reorder, message: any, behind: 99999999999}",
        "{kind: disconnect, client_id: 99999999999}",
    ],
)
def test_a_scenario_with_a_value_that_makes_no_sense_is_refused_in_one_line_with_its_place(step):
    with pytest.raises(BadInput, match=r"line [23]") as refused:
        parse(f'steps:\n- at: "00:00:01"\n  fault: {step}')
    assert "\n" not in str(refused.value)


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_whatever_a_fault_is_made_of_it_is_taken_whole_or_refused(kind, data):
    values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just("lost"))
    content = {field.name: data.draw(values) for field in msgspec.structs.fields(KINDS[kind]) if data.draw(st.booleans())}
    with contextlib.suppress(BadInput):
        fault = fault_of({"kind": kind, **content})
        assert fault_of(msgspec.to_builtins(fault)) == fault
