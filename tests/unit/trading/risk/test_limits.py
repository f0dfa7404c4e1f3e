import pytest
from support.risk import ACCOUNT, buy, changed

from atlas.domain import BadInput
from atlas.service.settings import RiskSettings
from atlas.trading.risk import AtLimit, Limits, LimitTree
from atlas.trading.risk.limits import described, scopes_of

ORDER = changed(buy(), account=ACCOUNT)
PLAIN = {
    "": {"max_position": 5.0, "max_working_orders": 3, "restricted": ["TSLA@SMART"]},
    "robot:sma": {"at_daily_limit": ["cancel_pending", "close_losers"], "trading_hours": True},
}


def test_limits_survive_becoming_plain_data():
    tree = LimitTree.from_plain(PLAIN)
    assert tree.plain() == PLAIN
    assert tree[""] == Limits(max_position=5.0, max_working_orders=3, restricted=("TSLA@SMART",))
    assert tree["robot:sma"].at_daily_limit == (AtLimit.CANCEL_PENDING, AtLimit.CLOSE_LOSERS)
    assert LimitTree.from_plain(tree.plain()) == tree


def test_a_tree_is_told_from_another():
    assert LimitTree.from_plain(PLAIN) != LimitTree()
    assert LimitTree() != "limits"
    assert len({LimitTree.from_plain(PLAIN), LimitTree.from_plain(PLAIN), LimitTree()}) == 2


def test_a_scope_without_limits_has_none_and_is_not_listed():
    tree = LimitTree({"robot:sma": Limits(), "account:DU1": Limits(max_position=1)})
    assert list(tree) == ["account:DU1"]
    assert tree["robot:sma"] == tree["robot:other"] == Limits()


def test_an_order_falls_into_the_scopes_of_the_desk_its_account_its_robot_and_its_instrument():
    assert scopes_of(ORDER) == ("", "account:DU1", "robot:sma", "instrument:AAPL@SMART")
    tree = LimitTree.from_plain(
        {scope: {"max_position": 1} for scope in ("instrument:AAPL@SMART", "robot:other", "account:DU1")}
    )
    assert tree.scopes_of(ORDER) == ["account:DU1", "instrument:AAPL@SMART"]


def test_setting_a_limit_makes_another_tree():
    tree = LimitTree.from_plain(PLAIN)
    other = tree.with_limit("", "max_position", 7)
    assert (tree[""].max_position, other[""].max_position) == (5.0, 7.0)
    assert other[""].max_working_orders == 3
    assert other["robot:sma"] == tree["robot:sma"]


@pytest.mark.parametrize(
    "scope",
    ["robot:a b", "robot:\x00", "robot:a\nb", "robot:\ud800", "account:D U", "instrument:NOPE", "instrument:aapl@smart"],
)
def test_a_scope_that_nothing_could_fall_into_is_refused(scope):
    with pytest.raises(BadInput, match=r"is not (a scope of limits|an instrument id)"):
        LimitTree().with_limit(scope, "max_position", 1)


@pytest.mark.parametrize("value", ["\ud800", ["\ud800"]])
def test_a_value_that_is_no_json_is_refused(value):
    with pytest.raises(BadInput, match="limits of the desk cannot hold that"):
        LimitTree().with_limit("", "restricted", value)


@pytest.mark.parametrize("name", ["trading_hours", "at_daily_limit"])
def test_none_ends_a_limit(name):
    assert name not in LimitTree.from_plain(PLAIN).with_limit("robot:sma", name, None).plain()["robot:sma"]


@pytest.mark.parametrize(
    "name", [name for name, one in Limits.model_fields.items() if "int" in str(one) or "float" in str(one)]
)
@pytest.mark.parametrize("value", [9_300_000_000_000_000_000, 10**26, 1e23, 10**12 + 1])
def test_no_number_is_a_limit_that_no_database_could_take(name, value):
    with pytest.raises(BadInput, match=f"{name} of the desk cannot be"):
        LimitTree().with_limit("", name, value)
    if name != "duplicate_seconds":
        assert LimitTree().with_limit("", name, 10**12).plain() == {"": {name: 10**12}}


def test_the_last_limit_of_a_scope_ends_the_scope():
    tree = LimitTree.from_plain({"robot:sma": {"max_position": 5}})
    assert list(tree.with_limit("robot:sma", "max_position", None)) == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("max_position", "5", "max_position of the robot sma cannot be '5': it should be a valid number"),
        ("max_position", True, "max_position of the robot sma cannot be True: it must be a number, not true or false"),
        ("max_position", 0, "max_position of the robot sma cannot be 0: it should be greater than 0"),
        ("max_position", -1.0, "cannot be -1.0: it should be greater than 0"),
        ("max_position", float("inf"), "cannot be inf: it should be a finite number"),
        ("max_position", float("nan"), "cannot be nan"),
        ("max_position", [1], r"cannot be \[1\]: it should be a valid number"),
        ("max_position", {"a": object()}, "limits of the robot sma must be plain data"),
        ("max_working_orders", 0, "max_working_orders of the robot sma cannot be 0: it should be greater than or equal to 1"),
        ("max_working_orders", 1.5, "cannot be 1.5: it should be a valid integer"),
        ("max_working_orders", True, "cannot be True: it must be a number"),
        ("price_collar_ticks", 0, "price_collar_ticks of the robot sma cannot be 0"),
        ("duplicate_seconds", 3600.5, "cannot be 3600.5: it should be less than or equal to 3600"),
        ("trading_hours", 1, "trading_hours of the robot sma cannot be 1: it should be a valid boolean"),
        ("restricted", "TSLA@SMART", "restricted of the robot sma cannot be 'TSLA@SMART'"),
        ("restricted", [1], r"restricted of the robot sma cannot be \[1\]"),
        ("at_daily_limit", ["sell"], r"at_daily_limit of the robot sma cannot be \['sell'\]"),
        ("max_luck", 1, "there is no limit 'max_luck'; the limits are max_order_quantity, max_position,"),
    ],
)
def test_a_limit_that_is_none_or_a_value_of_another_type_is_named(name, value, words):
    with pytest.raises(BadInput, match=words) as caught:
        LimitTree().with_limit("robot:sma", name, value)
    assert "\n" not in str(caught.value)
    with pytest.raises(BadInput):
        LimitTree.from_plain({"robot:sma": {name: value}})


def test_a_long_value_is_not_repeated_whole():
    with pytest.raises(BadInput) as caught:
        LimitTree().with_limit("", "max_position", "x" * 1000)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("scope", ["desk", "robot:", "robot", ":sma", "galaxy:1"])
def test_a_scope_that_is_none_is_named(scope):
    words = f"'{scope}' is not a scope of limits; write \"\" for the desk, or one as robot:sma, account:DU1"
    for act in (
        lambda: LimitTree().with_limit(scope, "max_position", 1),
        lambda: LimitTree({scope: Limits()}),
        lambda: LimitTree.from_plain({scope: {}}),
    ):
        with pytest.raises(BadInput) as caught:
            act()
        assert str(caught.value) == words


@pytest.mark.parametrize(
    ("scope", "words"),
    [("", "the desk"), ("robot:sma", "the robot sma"), ("instrument:BMW@IBIS:EUR", "the instrument BMW@IBIS:EUR")],
)
def test_scopes_are_told_as_people_say_them(scope, words):
    assert described(scope) == words


# From the configuration


def test_the_configuration_sets_limits_of_the_desk_and_of_its_parts():
    risk = RiskSettings.model_validate(
        {
            "max_position": 7,
            "max_leverage": "2.5",
            "accounts": {"DU1": {"max_daily_loss": 100, "at_daily_limit": ["close_losers"]}},
            "robots": {"sma": {"max_orders_per_second": 5}},
            "instruments": {"AAPL@SMART": {"trading_hours": True}},
        }
    )
    tree = risk.tree()
    assert tree.plain() == {
        "": {"max_order_quantity": 1_000_000.0, "max_position": 7.0, "max_working_orders": 1000, "max_leverage": 2.5},
        "account:DU1": {"max_daily_loss": 100.0, "at_daily_limit": ["close_losers"]},
        "robot:sma": {"max_orders_per_second": 5},
        "instrument:AAPL@SMART": {"trading_hours": True},
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"max_luck": 1}, "max_luck"),
        ({"max_position": 0}, "greater than 0"),
        ({"max_position": True}, "must be a number, not true or false"),
        ({"robots": {"sma": {"max_luck": 1}}}, "robots.sma.max_luck"),
        ({"robots": {"sma": {"max_position": True}}}, "must be a number, not true or false"),
        ({"instruments": {"AAPL": {"max_position": 1}}}, "'AAPL' is not an instrument id"),
        ({"session_start": "25:00"}, "'25:00' is not a time of day"),
        ({"session_time_zone": "Mars/Base"}, "there is no time zone 'Mars/Base'"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        RiskSettings.model_validate(values)


def test_every_limit_of_the_desk_says_what_it_is():
    for name, field in RiskSettings.model_fields.items():
        assert field.description, name
