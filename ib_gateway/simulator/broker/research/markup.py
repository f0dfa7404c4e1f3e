"""XML documents, element by element."""

from xml.etree import ElementTree as ET


def add(parent: ET.Element, name: str, /, **texts: str) -> ET.Element:
    """A new element in `parent`, with an element of text in it for each of `texts`."""
    element = ET.SubElement(parent, name)
    for tag, text in texts.items():
        ET.SubElement(element, tag).text = text
    return element


def told(parent: ET.Element, name: str, text: str = "", /, **attributes: str) -> ET.Element:
    """A new element in `parent` with attributes, and text if there is any."""
    element = ET.SubElement(parent, name, attributes)
    if text:
        element.text = text
    return element


def document(root: ET.Element) -> str:
    """The whole as text, indented."""
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
