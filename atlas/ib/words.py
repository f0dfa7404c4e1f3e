"""What is wrong with a link, and what to do about it, in words for people. Pure."""

from collections.abc import Mapping

from atlas.ib.link import Effect, Link, LinkState

_WHAT: Mapping[LinkState, str] = {
    LinkState.CLOSED: "is not connected",
    LinkState.DISCONNECTED: "is not connected; see that it runs",
    LinkState.CONNECTING: "is not connected yet",
    LinkState.WAITING_FOR_LOGIN: "waits for a person to approve the login; approve it on the phone",
    LinkState.REFUSED: "turns client id {client_id} away: {refusal}",
    LinkState.IN_WINDOW: "is away, as expected: {window}",
    LinkState.SYNCHRONISING: "has just been connected and is not proven yet",
    LinkState.RESTORED_DATA_LOST: "has the broker again, without our subscriptions (1101), and is not proven yet",
    LinkState.RESTORED_DATA_KEPT: "has the broker again (1102) and is not proven yet",
    LinkState.BROKER_LOST: "has lost the broker (1100); it reconnects by itself",
    LinkState.HALF_OPEN: "holds the connection and does not answer",
    LinkState.PORT_RESET: "is about to close the connection and listen on another port (1300); set gateway.port",
}


def problem_of(link: Link, where: str, client_id: int) -> str:
    """What is wrong with the link to the gateway at `where`; empty when it is up."""
    if link.is_up:
        return ""
    window = link.window.name if link.window is not None else ""
    return f"the gateway at {where} " + _WHAT[link.state].format(client_id=client_id, refusal=link.refusal, window=window)


def text_for_people(effect: Effect, link: Link, where: str, client_id: int) -> str:
    """The text of an alarm about the link; empty for an all-clear."""
    problem = problem_of(link, where, client_id)
    match effect:
        case Effect.RAISE:
            return problem
        case Effect.ESCALATE:
            return f"{problem}; this lasts for more than {link.limits.deadline_ns / 60e9:g} minutes: look at it now"
        case Effect.ASK_FOR_HELP if link.stuck_orders:
            return (
                f"{problem}; a session that is gone holds {link.stuck_orders} live orders of client id {client_id}: "
                "restart the gateway to have them back"
            )
        case Effect.ASK_FOR_HELP:
            return f"{problem}; {link.failed_attempts} attempts to connect have failed: restart the gateway"
        case _:
            return ""
