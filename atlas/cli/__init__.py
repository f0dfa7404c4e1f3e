"""`atlas`, the command line: a thin front over the packages below. Errors are one line on standard error and exit code 2."""

import sys

from atlas.domain import AtlasError


def main() -> None:
    """Run the command line of this process."""
    from atlas.cli.app import app

    try:
        code = app(standalone_mode=False)
    except AtlasError as error:
        print(f"atlas: {error}", file=sys.stderr)  # the command line's voice
        code = 2
    except Exception as error:  # noqa: BLE001 # sorted out there: usage errors are told, defects are raised again
        code = _usage_error(error)
    sys.exit(code if isinstance(code, int) else 0)


def _usage_error(error: Exception) -> int:
    """A wrong option or argument, as the command-line library reports it; anything else is a defect and shows its trace."""
    show = getattr(error, "show", None)
    if show is None:
        raise error
    show()
    return int(getattr(error, "exit_code", 2))
