"""Which account is traded, and whether it may be: paper unless account, mode and the gateway's port all say live. Pure."""

from collections.abc import Sequence
from typing import Final

from atlas.domain import ConfigurationError

PAPER, LIVE = "paper", "live"

_PORTS: Final = {4002: PAPER, 4004: PAPER, 7497: PAPER, 4001: LIVE, 4003: LIVE, 7496: LIVE}
"""What the ports of IB Gateway (400x; 4003 and 4004 in containers) and TWS (749x) are for by Interactive Brokers' defaults."""


def mode_of_account(account: str) -> str:
    """What an account's id says of it: those of paper accounts begin with D (DU, DF, DI), those of live ones with U, F or I."""
    if account.startswith("D"):
        return PAPER
    return LIVE if account[:1] in ("U", "F", "I") else ""


def choose_account(wanted: str, accounts: Sequence[str]) -> str:
    """The account to trade: the login's first, or that which `wanted` names by its id or by its place in the login from 0.

    Raises:
        ConfigurationError: the login has no such account; its accounts are listed.
    """
    listed = ", ".join(f"{place}: {account}" for place, account in enumerate(accounts)) or "none"
    if wanted in accounts:
        return wanted
    place = int(wanted) if wanted.isdecimal() else 0 if not wanted else -1
    if not 0 <= place < len(accounts):
        raise ConfigurationError(
            f"the login has no account {wanted or place!r}; set trader.account to one of its accounts: {listed}"
        )
    return accounts[place]


def check_mode(mode: str, account: str, port: int) -> None:
    """See that account, mode and port agree on whether real money is meant.

    A port that says nothing lets paper pass, and never live; an account that is neither kind is none of the broker's.

    Raises:
        ConfigurationError: one of them contradicts; all three are named.
    """
    said = {"account": mode_of_account(account), "port": _PORTS.get(port, "")}
    wrong = [what for what, says in said.items() if says != mode and (says or what == "account" or mode == LIVE)]
    if not wrong:
        return
    shown = {what: says or "nothing" for what, says in said.items()}
    raise ConfigurationError(
        f"trader.mode is {mode}, but the account {account} says {shown['account']} "
        f"and gateway.port {port} says {shown['port']}: "
        f"{LIVE} needs an account U... and a port of {_ports_of(LIVE)}, {PAPER} an account D... and none of those ports; "
        "set trader.mode, trader.account and gateway.port so that they agree"
    )


def _ports_of(mode: str) -> str:
    return ", ".join(str(port) for port, says in sorted(_PORTS.items()) if says == mode)
