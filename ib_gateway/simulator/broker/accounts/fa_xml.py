"""A financial advisor's structure as the XML documents that clients read and write. Pure.

Groups carry amounts where their method wants some; older clients know those groups as allocation profiles. Accounts are read in
both forms in which clients write them: <String>DU1</String>, and <Account><acct>DU1</acct><amount>60</amount></Account>.

Source: TWS API, "Financial Advisors"; the element names are those of TWS's own documents.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from xml.etree import ElementTree as ET

from msgspec.structs import replace

from ib_gateway.simulator.broker.accounts.advisor import Group, Member, Structure, method_named

GROUPS, PROFILES, ALIASES = 1, 2, 3
"""Kinds of documents, by the numbers of requestFA and replaceFA."""

_MAX_CHARACTERS = 1_000_000
_PROFILE_TYPES = {"Percent": "1", "Ratio": "2", "ContractsOrShares": "3", "MonetaryAmount": "4"}
_PROFILE_METHODS = {number: method for method, number in _PROFILE_TYPES.items()}


def write(structure: Structure, kind: int, accounts: Sequence[str]) -> str:
    """The document of one kind; `accounts` are all of the login, since each has an alias, if only its own name."""
    root = _WRITERS[kind](structure, accounts)
    ET.indent(root, "\t")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root).decode("ascii") + "\n"


def read(structure: Structure, kind: int, text: str) -> Structure:
    """`structure` with what a document of one kind says in place of what it said before.

    Raises:
        ValueError: it is no such document; the text says why in words for the client.
    """
    if len(text) > _MAX_CHARACTERS or "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("The XML must have no DTD and at most 1000000 characters")
    try:
        root = ET.fromstring(text.strip().removeprefix("\ufeff"))  # noqa: S314 - has no DTD
    except (ET.ParseError, ValueError) as error:
        raise ValueError(f"Invalid XML: {error}") from None
    wanted, reader = _READERS[kind]
    if root.tag != wanted:
        raise ValueError(f"The XML must be a {wanted}, not a {root.tag}")
    return reader(structure, root)


# Writing.


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text or None
    return element


def _write_groups(structure: Structure, _accounts: Sequence[str]) -> ET.Element:
    root = ET.Element("ListOfGroups")
    for group in structure.groups:
        one = _add(root, "Group")
        _add(one, "name", group.name)
        members = _add(one, "ListOfAccts", varName="list")
        for member in group.members:
            if group.is_profile:
                _write_amount(_add(members, "Account"), member)
            else:
                _add(members, "String", member.account)
        _add(one, "defaultMethod", group.method)
    return root


def _write_profiles(structure: Structure, _accounts: Sequence[str]) -> ET.Element:
    root = ET.Element("ListOfAllocationProfiles")
    for group in structure.groups:
        if group.is_profile:
            one = _add(root, "AllocationProfile")
            _add(one, "name", group.name)
            _add(one, "type", _PROFILE_TYPES[group.method])
            members = _add(one, "ListOfAllocations", varName="listOfAllocations")
            for member in group.members:
                _write_amount(_add(members, "Allocation"), member)
    return root


def _write_amount(parent: ET.Element, member: Member) -> None:
    _add(parent, "acct", member.account)
    _add(parent, "amount", str(member.amount))


def _write_aliases(structure: Structure, accounts: Sequence[str]) -> ET.Element:
    root = ET.Element("ListOfAccountAliases")
    for account in accounts:
        one = _add(root, "AccountAlias")
        _add(one, "account", account)
        _add(one, "alias", structure.aliases.get(account, account))
    return root


# Reading.


def _text(parent: ET.Element, tag: str) -> str:
    text = (parent.findtext(tag) or "").strip()
    if not text:
        raise ValueError(f"A {parent.tag} has no {tag}")
    return text


def _members(parent: ET.Element | None) -> Iterator[Member]:
    for one in parent if parent is not None else ():
        if one.tag == "String":
            yield Member((one.text or "").strip())
        elif one.tag in ("Account", "Allocation"):
            yield Member(_text(one, "acct"), _amount(one))
        else:
            raise ValueError(f"A list of accounts has a {one.tag}")


def _amount(one: ET.Element) -> float | None:
    text = (one.findtext("amount") or "").strip()
    try:
        return float(text) if text else None
    except ValueError:
        raise ValueError(f"Invalid amount '{text}' of an account") from None


def _read_groups(structure: Structure, root: ET.Element) -> Structure:
    return replace(structure, groups=tuple(_group(one) for one in root.iterfind("Group")))


def _group(one: ET.Element) -> Group:
    written = _text(one, "defaultMethod")
    method = method_named(written) or written
    members = tuple(_members(one.find("ListOfAccts")))
    group = Group(_text(one, "name"), method, members)
    return group if group.is_profile else replace(group, members=tuple(Member(member.account) for member in members))


def _read_profiles(structure: Structure, root: ET.Element) -> Structure:
    """Profiles take the place of profiles; groups stay."""
    profiles = []
    for one in root.iterfind("AllocationProfile"):
        number = _text(one, "type")
        if number not in _PROFILE_METHODS:
            raise ValueError(f"There is no allocation profile of type {number}")
        profiles.append(Group(_text(one, "name"), _PROFILE_METHODS[number], tuple(_members(one.find("ListOfAllocations")))))
    groups = [group for group in structure.groups if not group.is_profile]
    return replace(structure, groups=(*groups, *profiles))


def _read_aliases(structure: Structure, root: ET.Element) -> Structure:
    aliases = {_text(one, "account"): _text(one, "alias") for one in root.iterfind("AccountAlias")}
    return replace(structure, aliases=aliases)


_WRITERS: Mapping[int, Callable[[Structure, Sequence[str]], ET.Element]] = {
    GROUPS: _write_groups,
    PROFILES: _write_profiles,
    ALIASES: _write_aliases,
}
_READERS: Mapping[int, tuple[str, Callable[[Structure, ET.Element], Structure]]] = {
    GROUPS: ("ListOfGroups", _read_groups),
    PROFILES: ("ListOfAllocationProfiles", _read_profiles),
    ALIASES: ("ListOfAccountAliases", _read_aliases),
}
