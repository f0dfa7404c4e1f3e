"""The JSON schemas of all faults, in the OpenAPI document and by name."""

import inspect
from typing import Any

import msgspec
from fastapi import FastAPI

from ib_gateway.simulator.faults import KINDS, AnyFault

_REF = "#/components/schemas/{name}"
FAULT: dict[str, Any] = {"$ref": _REF.format(name="Fault")}
"""The schema of a request that carries any fault."""


def faults_by_kind() -> dict[str, Any]:
    """Of every fault what it does, and the schema of its fields."""
    return {name: {"about": inspect.getdoc(kind), "schema": _fields(kind)} for name, kind in KINDS.items()}


def describe(app: FastAPI) -> None:
    """Put the faults into the application's OpenAPI document."""
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generated()
            (any_fault,), components = msgspec.json.schema_components([AnyFault], ref_template=_REF)
            document.setdefault("components", {}).setdefault("schemas", {}).update({**components, "Fault": any_fault})
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _fields(kind: type) -> dict[str, Any]:
    (_, components) = msgspec.json.schema_components([kind], ref_template=_REF)
    schema: dict[str, Any] = components[kind.__name__]
    return schema
