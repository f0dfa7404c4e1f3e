"""From documents back to values of the domain. What others have put into our collections is named, never guessed at."""

from typing import Any, TypeVar

import msgspec

from atlas.domain import BadInput, from_plain

T = TypeVar("T", bound=msgspec.Struct)


def read(document: dict[str, Any], kind: type[T], collection: str) -> T:
    """The `kind` that a document of `collection` holds.

    Raises:
        BadInput: it holds none: a field is missing, or a value has the wrong type.
    """
    try:
        return from_plain(_with_booleans(document, kind), kind)
    except (msgspec.ValidationError, TypeError) as error:
        raise BadInput(
            f"the document {document.get('_id')!r} in the collection {collection} is not one of ours ({error}); "
            "repair it, or move it elsewhere"
        ) from error


def _with_booleans(document: dict[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """The embedded server gives a boolean that an update has set back as 0 or 1, unless it is in a subdocument."""
    names = [field.name for field in msgspec.structs.fields(kind) if field.type is bool]
    return document | {name: bool(document[name]) for name in names if document.get(name) in (0, 1)}
