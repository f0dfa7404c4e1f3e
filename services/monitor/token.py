"""The access token: made on first start, readable by its owner only."""

import os
import secrets
from pathlib import Path

from atlas.domain import ConfigurationError


def read_or_make_token(path: Path) -> str:
    """The token in `path`; a new one if there is none.

    Raises:
        ConfigurationError: the file cannot be read or made, or is empty.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise ConfigurationError(f"the token file {path} cannot be made ({error.strerror}); set monitor.token_file") from error
    token = secrets.token_urlsafe(24)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(token + "\n")
    return token


def _read(path: Path) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"the token file {path} cannot be read ({error.strerror})") from error
    if not token:
        raise ConfigurationError(f"the token file {path} is empty; delete it, and a new token is made")
    return token
