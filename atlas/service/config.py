"""Reading the configuration: four sources, and where each value came from.

The first source that has a value wins: command line (`--set trader.account=DU1`), environment (`ATLAS_TRADER__ACCOUNT=DU1`),
the file `atlas.yaml`, the defaults of the schema. An empty value means unset. A key that is not in the schema is refused, so
that a typing error never passes for a setting.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_settings import EnvSettingsSource

from atlas.domain import ConfigurationError
from atlas.service.settings import ENVIRONMENT_PREFIX, Settings

NOT_SETTINGS = frozenset({"ATLAS_CONFIG", "ATLAS_TEST_DATA", "ATLAS_REQUIRE_DATA"})


@dataclass(frozen=True)
class Loaded:
    """The settings, and for each key that is not a default, which source gave it."""

    settings: Settings
    origins: Mapping[str, str]

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Every key with its value as text and its origin, secrets masked."""
        for key, value in _flatten(self.settings.model_dump(mode="json")):
            parents = [key[: m.start()] for m in re.finditer(r"\.", key)] + [key]
            origin = next((self.origins[name] for name in reversed(parents) if name in self.origins), "default")
            yield key, str(value), origin


def load(overrides: Sequence[str] = (), environment: Mapping[str, str] | None = None, file: Path | None = None) -> Loaded:
    """Read the configuration from all its sources.

    Args:
        overrides: `key=value` from the command line, keys dotted.
        environment: variables; the process's own when None.
        file: the YAML file; ATLAS_CONFIG or ./atlas.yaml when None, and then it may be missing.

    Raises:
        ConfigurationError: an unknown key, a value of the wrong type, or a file that is missing or no YAML.
    """
    environment = os.environ if environment is None else environment
    sources = [
        ("command line", _from_overrides(overrides)),
        ("environment", _from_environment(environment)),
        _from_file(environment, file),
    ]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, values in reversed(sources):
        _merge(merged, values, origins, name)
    try:
        return Loaded(Settings.model_validate(merged), origins)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, origins)) from None


def _from_overrides(overrides: Sequence[str]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"--set {override!r} is not key=value, as in --set trader.account=DU1000001")
        node = result
        *parents, last = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        if text:
            node[last] = yaml.safe_load(text)
    return result


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    known = {ENVIRONMENT_PREFIX + key.replace(".", "__").upper() for key, _ in _schema_keys(Settings)}
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known | NOT_SETTINGS and environment[name]:
            raise ConfigurationError(
                f"the environment variable {name} is not a setting of Atlas; see `atlas config show` for those there are"
            )
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in environment.items() if value}
    try:
        values = source()
    except Exception as error:
        raise ConfigurationError(f"the environment cannot be read as settings: {error}") from error
    return {key: value for key, value in values.items() if value is not None}


def _from_file(environment: Mapping[str, str], file: Path | None) -> tuple[str, dict[str, Any]]:
    named = file or (Path(environment["ATLAS_CONFIG"]) if environment.get("ATLAS_CONFIG") else None)
    path = named or Path("atlas.yaml")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named is None:
            return "file", {}
        raise ConfigurationError(f"the configuration file {path} is not there") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the configuration file {path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"the configuration file {path} is not YAML: {' '.join(str(error).split())}") from error
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"the configuration file {path} must hold keys and values, not a {type(content).__name__}")
    return str(path), content


def _merge(into: dict[str, Any], values: Mapping[str, Any], origins: dict[str, str], name: str, prefix: str = "") -> None:
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and (isinstance(into.get(key), dict) or key in Settings.model_fields):
            if not isinstance(into.get(key), dict):
                into[key] = {}
            _merge(into[key], value, origins, name, f"{path}.")
        elif value is not None:
            into[key] = value
            origins[path] = name


def _schema_keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, type]]:
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}", model
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _schema_keys(field.annotation, f"{prefix}{name}.")


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, item in enumerate(value):
                yield from _flatten(item, f"{prefix}{key}.{index}.")
        else:
            yield f"{prefix}{key}", value


def _explain(error: ValidationError, origins: Mapping[str, str]) -> str:
    parts = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        origin = next((origins[name] for name in origins if name == key or name.startswith(f"{key}.")), None)
        origin = origin or next((origins[name] for name in origins if key.startswith(f"{name}.")), "defaults")
        if item["type"] == "extra_forbidden":
            parts.append(f"{key} (from {origin}) is not a setting of Atlas; see `atlas config show` for those there are")
        else:
            parts.append(f"{key} (from {origin}): {item['msg'].removeprefix('Value error, ')}, not {item['input']!r}")
    return "; ".join(parts)
