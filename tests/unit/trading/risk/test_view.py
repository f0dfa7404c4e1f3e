from support.risk import GERMAN, OTHER, STOCK, Account, buy, execution, sell, working

from atlas.domain import Books, Position
from atlas.trading.risk.view import Joined, Scoped, Without, fillable

MINE, OTHERS = working(buy(10, id="a-1-0")), working(sell(20, OTHER, id="a-2-0", robot="other"))
ACCOUNT = Account({STOCK.id: Position(5, 1.0), OTHER.id: Position(-7, 2.0)}, [MINE, OTHERS])


def scoped(scope):
    books = Books()
    books.execute(execution(3, 100.0), STOCK)  # of the account DU1, which here stands for a robot
    return Scoped(ACCOUNT, scope, books)


def test_an_instrument_sees_itself_alone():
    view = scoped(f"instrument:{STOCK.id}")
    assert (view.position(STOCK.id), view.position(OTHER.id)) == (5, 0.0)
    assert view.held() == {STOCK.id: Position(5, 1.0)}
    assert list(view.working()) == [MINE]


def test_a_robot_sees_what_it_brought_about():
    view = scoped("robot:DU1")
    assert (view.position(STOCK.id), view.position(OTHER.id)) == (3, 0.0)
    assert view.held() == {STOCK.id: Position(3, 100.0)}
    assert list(view.working()) == []
    assert list(scoped("robot:other").working()) == [OTHERS]


def test_the_desk_and_the_account_see_everything():
    for scope in ("", "account:DU1"):
        view = scoped(scope)
        assert (view.position(STOCK.id), view.position(OTHER.id)) == (5, -7)
        assert view.held() == ACCOUNT.held()
        assert list(view.working()) == [MINE, OTHERS]


def test_a_view_can_leave_an_order_out_or_have_more():
    assert list(Without(ACCOUNT, "a-1-0").working()) == [OTHERS]
    joined = Joined(ACCOUNT, [buy(1, id="b-1-0")])
    assert [state.order.id for state in joined.working()] == ["a-1-0", "a-2-0", "b-1-0"]
    assert Without(ACCOUNT, "a-1-0").held() == joined.held() == ACCOUNT.held()


def test_what_can_be_filled_is_exact():
    tenths = Account(states=[working(buy(0.1, id=f"a-{number}-0")) for number in range(3)])
    assert str(max(fillable(tenths, STOCK.id).values())) == "0.3"


def test_an_instrument_whose_name_has_a_colon_is_a_scope():
    account = Account({GERMAN.id: Position(5, 1.0)}, [working(buy(10, GERMAN, id="a-1-0"))])
    view = Scoped(account, f"instrument:{GERMAN.id}", Books())
    assert (view.position(GERMAN.id), len(view.held()), len(list(view.working()))) == (5, 1, 1)
