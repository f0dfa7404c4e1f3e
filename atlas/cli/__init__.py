"""`atlas`, the command line: a thin front over the packages below. Errors are one line on standard error and exit code 2."""

import sys

from atlas.domain import AtlasError

_INTERRUPTED = 130  # what shells say of a process that Ctrl-C has ended


def main() -> None:
    """Run the command line of this process."""
    try:
        from atlas.cli.app import app

        code = app(standalone_mode=False)
    except AtlasError as error:
        code = _tell(str(error), 2)
    except KeyboardInterrupt:
        code = _tell("interrupted", _INTERRUPTED)
    except Exception as error:  # noqa: BLE001 # sorted out there: usage errors are told, defects are raised again
        code = _usage_error(error)
    sys.exit(code if isinstance(code, int) else 0)


def _tell(text: str, code: int) -> int:
    print(f"atlas: {text}", file=sys.stderr)  # the command line's voice
    return code


def _usage_error(error: Exception) -> int:
    """A wrong option or argument, in one line; no arguments at all show the help; anything else is a defect, with its trace."""
    words = getattr(error, "format_message", None)
    if words is None:
        raise error
    if type(error).__name__ == "NoArgsIsHelpError":
        print(words())
        return 2
    told = " ".join(words().split()).rstrip(".")
    return _tell(f"{told}; `atlas --help` shows what there is", int(getattr(error, "exit_code", 2)))
