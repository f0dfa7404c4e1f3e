"""One running monitor, as a part of a desk to look at: it needs the database only."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from support.servers import ServiceProcess, atlas, desk_settings, service, wait_until_listening


@dataclass(frozen=True)
class LoneMonitor:
    """A desk of which only the monitor runs."""

    settings: dict[str, object]
    folder: Path
    process: ServiceProcess

    def run(self, *arguments: str, **settings: object) -> CompletedProcess[str]:
        """Run `atlas` with this desk's settings."""
        changed = {key.replace("__", "."): value for key, value in settings.items()}
        return atlas(*arguments, settings={**self.settings, **changed}, folder=self.folder)


@pytest.fixture(scope="session")
def monitor(database_server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lone-monitor")
    settings = desk_settings(folder, database_server)
    with service("monitor", settings, folder) as process:
        wait_until_listening(int(str(settings["monitor.http_port"])), process.process)
        yield LoneMonitor(settings, folder, process)


@pytest.fixture
def run(tmp_path) -> Callable[..., CompletedProcess[str]]:
    """Runs `atlas` in an empty folder with settings from the environment."""

    def run(*arguments: str, **settings: object) -> CompletedProcess[str]:
        return atlas(*arguments, settings={key.replace("__", "."): value for key, value in settings.items()}, folder=tmp_path)

    return run
