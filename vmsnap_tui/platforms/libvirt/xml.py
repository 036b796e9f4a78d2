"""XML from libvirt, read without entities, network or DTD, and written by an element builder."""

from __future__ import annotations

from lxml import etree
from lxml.etree import _Element as Element

__all__ = ["BrokenXml", "Element", "number", "parse", "written"]

_PARSER = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    dtd_validation=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)


class BrokenXml(ValueError):
    """Not well-formed, or with a document type, which libvirt never writes."""


def parse(text: str) -> Element:
    """The root element. Raises BrokenXml."""
    try:
        root = etree.fromstring(text, _PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BrokenXml(str(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise BrokenXml("a document type is not accepted")
    return root


def written(element: Element) -> str:
    """The element as text."""
    return etree.tostring(element, encoding="unicode", with_tail=False)


def number(text: str | None) -> int | None:
    """A whole number that is not negative, or None."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
