"""Themes: readable, complete, and a broken file does no harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.color import Color

from tests.ui.stage import stage
from vmsnap_tui.ui import themes

if TYPE_CHECKING:
    from pathlib import Path

SHIPPED = sorted(themes.load()[0])
GROUNDS = ("background", "surface", "panel", "block-cursor-background", "block-cursor-blurred-background")
TEXTS = (
    "foreground",
    "foreground-muted",
    "primary",
    "success",
    "warning",
    "error",
    "consistency-memory",
    "consistency-clean",
    "consistency-filesystem",
    "consistency-crash",
    "consistency-unknown",
)


def test_the_promised_themes_are_there_and_none_is_broken() -> None:
    found, broken = themes.load()
    assert {"dark", "light", "high-contrast", "colour-blind"} <= set(found)
    assert not broken


@pytest.mark.parametrize("name", SHIPPED)
def test_text_is_readable_on_every_ground(name: str) -> None:
    theme = themes.load()[0][name]
    variables = theme.to_color_system().generate() | theme.variables
    weak = {
        (text, ground): round(ratio, 2)
        for ground in GROUNDS
        for text in TEXTS
        if (ratio := contrast(variables[ground], variables[text])) < 4.5
    }
    assert not weak


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""

    def luminance(colour: str) -> float:
        channels = (value / 255 for value in Color.parse(colour).rgb)
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = \nprimary = 3", "line 1"),
        ('name = "x"', "primary"),
        ('name = "x"\nprimary = "blurple"', "not a colour"),
        ('name = "x"\nprimary = "#112233"\nprimery = "#112233"', "primery"),
        ('name = "a b"\nprimary = "#112233"', "small letters"),
        ('name = "x"\nprimary = 3', "Expected `str`"),
    ],
)
def test_a_broken_file_is_told_and_the_others_stay(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.toml").write_text(text)
    (tmp_path / "good.toml").write_text('name = "good"\nprimary = "#88aaff"')
    found, broken = themes.load((tmp_path,))
    assert set(found) == {"good"}
    assert len(broken) == 1
    assert "bad.toml" in str(broken[0])
    assert said in str(broken[0])


def test_the_later_folder_wins(tmp_path: Path) -> None:
    for number, colour in enumerate(("#111111", "#222222")):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "t.toml").write_text(f'name = "t"\nprimary = "{colour}"')
    found, _ = themes.load((tmp_path / "0", tmp_path / "1"))
    assert found["t"].primary == "#222222"


async def test_a_theme_without_the_programs_own_colours_gets_them_from_its_others(tmp_path: Path) -> None:
    async with stage(tmp_path, theme="textual-dark") as it:
        await it.go_to("db-prod-01")
        assert it.app.theme == "textual-dark"
        assert it.app.theme_variables["consistency-memory"].startswith("#")
