"""Reading the configuration: four sources, and where each value came from.

The first source that has a value wins: command line (`--set trader.account=DU1`), environment (`ATLAS_TRADER__ACCOUNT=DU1`),
the file `atlas.yaml`, the defaults of the schema. An empty value means unset. A key that is not in the schema is refused, so
that a typing error never passes for a setting.
"""

import difflib
import os
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin

import yaml
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from atlas.domain import ConfigurationError
from atlas.service.settings import ENVIRONMENT_PREFIX, Section, Settings

# What else is called like a setting: where the file is, which image Compose runs, where tests find recordings.
NOT_SETTINGS = frozenset({"ATLAS_CONFIG", "ATLAS_IMAGE", "ATLAS_TEST_DATA", "ATLAS_REQUIRE_DATA"})

_COMMAND_LINE, _ENVIRONMENT = "command line", "environment"
_SHOWN_CHARACTERS = 80

# What is wrong, in our words, where pydantic's would repeat the input or speak of Python.
_IN_OUR_WORDS = {
    "missing": "is missing",
    "tuple_type": "must be a list, as [1, 2]",
    "dict_type": "must hold keys and values, as {key: value}",
}


@dataclass(frozen=True)
class Loaded:
    """The settings, and for each key that is not a default, which source gave it."""

    settings: Settings
    origins: Mapping[str, str]

    def rows(self) -> Iterator[tuple[str, Any, str]]:
        """Every key with its value as JSON knows it and its origin, secrets masked."""
        for key, value in _flatten(self.settings.model_dump(mode="json")):
            yield key, value, self.origins.get(_setting_of(key), "default")


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
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, source in (
        _from_file(environment, file),
        (_ENVIRONMENT, _from_environment(environment)),
        (_COMMAND_LINE, _from_overrides(overrides)),
    ):
        for key, value in source:
            if value is not None and value != "":
                values[key], origins[key] = value, origin
    try:
        return Loaded(Settings.model_validate(_nested(values)), origins)
    except ValidationError as error:
        raise ConfigurationError("; ".join(_explain(item, origins) for item in error.errors())) from None


# The sources. Each gives settings of the schema by dotted key.


def _from_overrides(overrides: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key:
            raise ConfigurationError(f"--set {override!r} is not key=value, as in --set trader.account=DU1000001")
        if key not in _SETTINGS:
            raise _unknown(key, _COMMAND_LINE)
        yield key, _parse(key, text, _COMMAND_LINE)


def _from_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    keys = {ENVIRONMENT_PREFIX + key.replace(".", "__").upper(): key for key in _SETTINGS}
    for name, text in sorted(environment.items()):
        if not name.startswith(ENVIRONMENT_PREFIX) or name in NOT_SETTINGS or not text:
            continue
        if name not in keys:
            near = difflib.get_close_matches(name, keys, 1)
            raise ConfigurationError(f"the environment variable {name} is not a setting of Atlas; {_hint(near)}")
        yield keys[name], _parse(keys[name], text, _ENVIRONMENT)


def _from_file(environment: Mapping[str, str], file: Path | None) -> tuple[str, Iterator[tuple[str, Any]]]:
    named = file or (Path(environment["ATLAS_CONFIG"]) if environment.get("ATLAS_CONFIG") else None)
    path = named or Path("atlas.yaml")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 # a safe loader, and stricter
    except FileNotFoundError:
        if named is None:
            return "", iter(())
        raise ConfigurationError(f"the configuration file {path} is not there") from None
    except OSError as error:
        raise ConfigurationError(f"the configuration file {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"the configuration file {path} is not YAML: {' '.join(str(error).split())}") from error
    return str(path), _walk(content, Settings, "", str(path))


def _walk(content: Any, section: type[BaseModel], prefix: str, path: str) -> Iterator[tuple[str, Any]]:
    """The settings in a part of the file, which must be laid out as the schema is."""
    if content is None:
        return
    if not isinstance(content, dict):
        where = prefix.removesuffix(".") or "the configuration file"
        raise ConfigurationError(f"{where} (from {path}) must hold keys and values, not a {type(content).__name__}")
    for name, value in content.items():
        field = section.model_fields.get(name) if isinstance(name, str) else None
        if field is None:
            raise _unknown(f"{prefix}{name}", path)
        if _is_section(field):
            yield from _walk(value, field.annotation, f"{prefix}{name}.", path)  # type: ignore[arg-type] # is one
        elif isinstance(value, bool) and field.annotation is not bool:  # which would pass for the number 1 or 0
            raise ConfigurationError(f"{prefix}{name} (from {path}) cannot be {str(value).lower()}; put words into quotes")
        else:
            yield f"{prefix}{name}", value


def _parse(key: str, text: str, origin: str) -> Any:
    """A value that was given as text: plain for plain settings, YAML or JSON for lists and mappings."""
    if not text or get_origin(_SETTINGS[key].annotation) not in (tuple, list, dict):
        return text
    try:
        return yaml.load(text, _Loader)  # noqa: S506 # a safe loader, and stricter
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{key} (from {origin}) is neither JSON nor YAML: {' '.join(str(error).split())}") from error


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands in a mapping twice; YAML would let the last one win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001 # theirs
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value} stands there twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep=deep)


# The schema, by dotted key


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Section)


def _settings(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if _is_section(field):
            yield from _settings(field.annotation, f"{prefix}{name}.")  # type: ignore[arg-type] # is one
        else:
            yield f"{prefix}{name}", field


_SETTINGS = dict(_settings(Settings))


def _setting_of(key: str) -> str:
    """The setting that `key` is, or is a part of: `strategy.robots` for `strategy.robots.0.id`."""
    while key and key not in _SETTINGS:
        key = key.rpartition(".")[0]
    return key


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in values.items():
        node = result
        *parents, last = key.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return result


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, item in enumerate(value):
                yield from _flatten(item, f"{prefix}{key}.{index}.")
        else:
            yield f"{prefix}{key}", value


# Telling what is wrong


def _hint(near: Sequence[str]) -> str:
    return f"did you mean {near[0]}?" if near else "see `atlas config show` for those there are"


def _unknown(key: str, origin: str) -> ConfigurationError:
    if any(setting.startswith(f"{key}.") for setting in _SETTINGS):
        return ConfigurationError(f"{key} (from {origin}) is a group of settings; set one of them, as {_first_of(key)}")
    return ConfigurationError(
        f"{key} (from {origin}) is not a setting of Atlas; {_hint(difflib.get_close_matches(key, _SETTINGS, 1))}"
    )


def _first_of(group: str) -> str:
    return next(setting for setting in _SETTINGS if setting.startswith(f"{group}."))


def _explain(item: ErrorDetails, origins: Mapping[str, str]) -> str:
    """One error of the schema in one clause. Names key and source, and never shows a secret."""
    key = ".".join(str(part) for part in item["loc"])
    setting = _setting_of(key)
    where = f"{key} (from {origins.get(setting, 'default')})"
    kind = item["type"]
    if kind == "extra_forbidden":
        return f"{where} is not a setting of Atlas; see `atlas config show` for those there are"
    if kind in _IN_OUR_WORDS:
        return f"{where} {_IN_OUR_WORDS[kind]}"
    if kind == "value_error":  # raised by the schema itself: the text says it all
        return f"{where}: {item['msg'].removeprefix('Value error, ')}"
    shown = "" if _SETTINGS[setting].annotation is SecretStr else f", not {item['input']!r}"
    return f"{where}: {item['msg']}{shown[:_SHOWN_CHARACTERS]}"
