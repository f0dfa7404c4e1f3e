"""What is wrong now: each trouble is an alarm, and may block opening in one instrument, or in all. Pure.

A trouble never blocks an exit: that is the gate's affair, which reads `blocked` for openings only.
"""

from dataclasses import dataclass

from atlas.trading.effects import ClearAlarm, Decision, RaiseAlarm

EVERYTHING = ""
"""As an instrument: all of them."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong. `blocks` is the instrument in which nothing may be opened, None when it blocks nothing."""

    text: str
    blocks: str | None = None
    alarmed: bool = True


class Troubles:
    """Troubles by key.

    Args:
        blocked: the gate's table of instruments in which nothing may be opened, and why; kept up here.
    """

    def __init__(self, blocked: dict[str, str]) -> None:
        self._blocked = blocked
        self._present: dict[str, Trouble] = {}
        blocked.clear()

    @property
    def present(self) -> dict[str, Trouble]:
        """What is wrong now, by key."""
        return dict(self._present)

    @property
    def blocking(self) -> bool:
        """Whether something blocks opening anywhere."""
        return bool(self._blocked)

    def begin(self, key: str, text: str, *, blocks: str | None = None, alarm: bool = True, critical: bool = False) -> Decision:
        """Something is wrong, or still is. Its alarm is raised once."""
        before = self._present.get(key)
        alarmed = alarm or (before is not None and before.alarmed)
        self._present[key] = Trouble(text, blocks, alarmed)
        self._block()
        if alarmed and not (before is not None and before.alarmed):
            return Decision(effects=(RaiseAlarm(key, text, critical),))
        return Decision()

    def end(self, key: str) -> Decision:
        """It is well again; nothing happens if nothing was wrong."""
        trouble = self._present.pop(key, None)
        if trouble is None:
            return Decision()
        self._block()
        return Decision(effects=(ClearAlarm(key),)) if trouble.alarmed else Decision()

    def keys(self, prefix: str) -> list[str]:
        """The keys of present troubles that begin with `prefix`."""
        return sorted(key for key in self._present if key.startswith(prefix))

    def _block(self) -> None:
        reasons: dict[str, list[str]] = {}
        for _, trouble in sorted(self._present.items()):
            if trouble.blocks is not None:
                reasons.setdefault(trouble.blocks, []).append(trouble.text)
        self._blocked.clear()
        self._blocked.update({instrument: "; ".join(texts) for instrument, texts in reasons.items()})
