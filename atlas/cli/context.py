"""What the commands share: where the configuration comes from."""

from dataclasses import dataclass
from pathlib import Path

import typer

from atlas.service.config import Loaded, load


@dataclass(frozen=True)
class Shared:
    """The options in front of the command."""

    config: Path | None = None
    overrides: tuple[str, ...] = ()


def loaded(context: typer.Context) -> Loaded:
    """The configuration that the command line, the environment and the file make.

    Raises:
        ConfigurationError: one of them is wrong.
    """
    shared = context.obj if isinstance(context.obj, Shared) else Shared()
    return load(shared.overrides, file=shared.config)
