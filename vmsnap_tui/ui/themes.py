"""Themes as files: from the package, from a checkout, and from the user's config folder."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import msgspec
import platformdirs
from textual.color import Color, ColorParseError
from textual.theme import Theme

DEFAULT = "dark"

_FALLBACKS = {
    "consistency-memory": "text-accent",
    "consistency-clean": "text-primary",
    "consistency-filesystem": "text-success",
    "consistency-crash": "text-warning",
    "consistency-unknown": "foreground-muted",
}


def fallbacks(theme: Theme) -> dict[str, str]:
    """Colours for what is the program's own, where a theme leaves it out."""
    colours = theme.to_color_system().generate()
    return {ours: colours[theirs] for ours, theirs in _FALLBACKS.items()}


class ThemeFile(msgspec.Struct, forbid_unknown_fields=True):
    """What a theme file holds: colours as `#rrggbb`."""

    name: str
    primary: str
    dark: bool = True
    secondary: str | None = None
    accent: str | None = None
    success: str | None = None
    warning: str | None = None
    error: str | None = None
    foreground: str | None = None
    background: str | None = None
    surface: str | None = None
    panel: str | None = None
    boost: str | None = None
    variables: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class BrokenTheme:
    """A file that could not be used, and why."""

    path: Path
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


def folders() -> tuple[Path, ...]:
    """Where themes are looked for. Of two with one name, the later one wins."""
    package = Path(__file__).parents[1]
    return (
        package / "themes",
        package.parent / "themes",
        platformdirs.user_config_path("vmsnap") / "themes",
    )


def read(path: Path) -> Theme:
    """The theme in one file. Raises ValueError saying what is wrong with it."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error
    described = msgspec.convert(raw, ThemeFile)
    if not re.fullmatch(r"[a-z][a-z0-9-]*", described.name):
        raise ValueError(f"name {described.name!r}: expected small letters, digits and hyphens")
    values = msgspec.structs.asdict(described)
    colours = {
        key: value for key, value in values.items() if key not in {"name", "dark", "variables"} and value is not None
    }
    for key, value in (colours | described.variables).items():
        if key.endswith("-text-style"):
            continue
        try:
            Color.parse(value)
        except ColorParseError as error:
            raise ValueError(f"{key} = {value!r}: not a colour (expected one like #1f2733)") from error
    return Theme(name=described.name, dark=described.dark, variables=described.variables, **colours)


def load(places: tuple[Path, ...] | None = None) -> tuple[dict[str, Theme], list[BrokenTheme]]:
    """All themes by name, and the files that are none."""
    themes: dict[str, Theme] = {}
    broken: list[BrokenTheme] = []
    for folder in folders() if places is None else places:
        for path in sorted(folder.glob("*.toml")):
            try:
                theme = read(path)
            except ValueError as error:  # TOML syntax, wrong fields and wrong colours alike
                broken.append(BrokenTheme(path, str(error)))
            else:
                themes[theme.name] = theme
    return themes, broken
