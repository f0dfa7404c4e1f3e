"""Where the trader's journal is, and whose: that of one account is never taken for another's."""

import os
from pathlib import Path

from atlas.domain import Refused, Unavailable
from atlas.journal import Journal
from services.trader.ports import TraderRecord

_OWNER = "owner"


def open_journal(state_dir: Path, name: str, broker: str, account: str) -> Journal[TraderRecord]:
    """Open the journal of the trader `name` for an account; make it if it is not there.

    An account on paper is another one than the broker's of the same id: `broker` says which of them it is.

    Raises:
        Refused: the journal in the folder is of another account, or another process writes it.
        CorruptJournal, Unavailable: as `Journal.open`.
    """
    folder = state_dir / "journal" / name / account
    journal: Journal[TraderRecord] = Journal.open(folder, TraderRecord)
    try:
        _see_whose(folder / _OWNER, f"{broker} {account}")
    except BaseException:
        journal.close()
        raise
    return journal


def _see_whose(path: Path, owner: str) -> None:
    try:
        if path.exists():
            found = path.read_text(errors="replace").strip()
            if found != owner:
                raise Refused(
                    f"the journal {path.parent} is of the account {found!r}, and this trader trades {owner!r}: its orders "
                    "would be taken for those of another account. Put the journal back where it belongs, or set state_dir"
                )
            return
        new = path.with_suffix(".new")
        with new.open("w") as file:
            file.write(owner + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise Unavailable(f"{path} cannot be used: {error.strerror} (errno {error.errno}); see to the disk") from error
