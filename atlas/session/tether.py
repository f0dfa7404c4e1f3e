"""Runs a command that ends when the process that started us ends, however that happens.

python -m atlas.session.tether COMMAND [ARGUMENT ...]
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask the kernel for a SIGTERM at the parent's death, then become the command."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() == 1 and os.getpid() != 1:
        sys.exit("the parent is gone already")
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 # a command of ours


if __name__ == "__main__":
    main()
