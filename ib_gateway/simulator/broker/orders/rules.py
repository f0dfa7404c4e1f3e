"""What of the order desk can be set: who hears of all orders, and which precautions the broker takes."""

import msgspec


class OrderRules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the order desk, as the settings page of a gateway has them.

    Attributes:
        master_client_id: The client that is told of all clients' orders and executions; None is nobody.
        read_only: Requests about orders are refused (321).
        refuse_e_trade_only: Orders with eTradeOnly or firmQuoteOnly are refused (10268, 10269), as newer servers do.
        percentage_constraint: A limit price that is worse than the market by more percent is refused (109); 0 is no precaution.
        hard_to_borrow: Con ids whose short sales wait until shares are located (404).
    """

    master_client_id: int | None = None
    read_only: bool = False
    refuse_e_trade_only: bool = False
    percentage_constraint: float = 0.0
    hard_to_borrow: frozenset[int] = frozenset()
