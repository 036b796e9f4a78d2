"""Cleaning of text that comes from other people's machines, where it enters the model."""

import unicodedata

_BIDI = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _visible(char: str) -> str:
    """A stand-in for a character that would act on the terminal rather than be shown."""
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)  # the Unicode "control pictures" block
    if code == 0x7F:
        return "\u2421"
    return "\ufffd"


def _acts(char: str) -> bool:
    return char in _BIDI or unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}


def clean(text: str, *, limit: int = 1024) -> str:
    """One line that is safe to show: control characters become visible pictures, length is bounded (characters)."""
    if text.isascii() and text.isprintable():
        return text if len(text) <= limit else text[: limit - 1] + "…"
    shown = "".join(_visible(char) if _acts(char) else char for char in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def clean_lines(text: str, *, limit: int = 65536) -> str:
    """The same for text of several lines: newlines stay, tabs become spaces."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    return "\n".join(clean(line.replace("\t", "    "), limit=limit) for line in text[:limit].splitlines())
