"""The config file: what may stand in it, and where it is wrong."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmsnap_tui.engine.config import SAMPLE, Config, ConfigError, LabConfig, SiteConfig, UiConfig, load, parse
from vmsnap_tui.model.vm import PlatformKind

FILE = Path("config.toml")
SITE = '[[sites]]\nname = "a"\nkind = "demo"\n'


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("x = ", 1, "not TOML"),
        ('a = """\nfoo', 2, "not TOML"),
        ("a\x00", 1, "not TOML"),
        ("read_only = 3", 1, "expected true or false, got a whole number"),
        ('[ui]\n\ntheem = "x"', 3, "did you mean theme?"),
        ("[ui]\nwhat = 1", 2, "known here: theme, confirm, keys"),
        ("\n\nui = 3", 3, "expected a table"),
        ('[ui]\nconfirm = "no"', 2, "one of type, key"),
        ('[ui.keys]\ntake = ["s"]', 1, "expected text in quotes"),
        ("sites = 3", 1, "[[sites]]"),
        (SITE + '[[labs]]\nname = "a"\nvms = "b"', 6, 'vms: expected a list, such as ["one", "two"], got text'),
        (SITE + SITE.replace('"a"', '"b"').replace("demo", "libvrt"), 6, "one of libvirt, openshift, openstack, demo"),
        ('[[sites]]\nname = "a"', 1, "there is no `kind`"),
        (SITE.replace('"a"', '"a/b"'), 2, "without a slash"),
        (SITE + "jobs = 0", 4, ">= 1"),
        (SITE + "[sites.options]\nspeed = 3", 4, "expected text in quotes"),
        (SITE + "jbos = 1", 4, "did you mean jobs?"),
        (SITE + "\n" + SITE, 6, 'a second site is called "a"'),
        (SITE + '[[labs]]\nname = "a "', 5, "no blanks at its ends"),
        (SITE + f'[[labs]]\nname = "{"x" * 64}"', 5, "at most 63 characters"),
        (SITE.replace("demo", "libvirt"), 1, "no address"),
        (SITE + '# [[sites]]\nx = """\n[[sites]]\n"""\n', 5, "unknown key `x`"),
    ],
)
def test_errors_name_the_line_and_what_was_expected(text: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    assert caught.value.line == line
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"config.toml:{line}: ")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(parse(text, FILE), Config)


@given(
    st.dictionaries(
        st.sampled_from(["read_only", "ui", "sites", "x"]),
        st.one_of(st.integers(), st.text("ab"), st.lists(st.integers(), min_size=1)),
        min_size=1,
    )
)
def test_any_wrong_value_is_found_on_its_line(values: dict[str, object]) -> None:
    from vmsnap_tui.cli.output import encoded

    text = "\n".join(f"{key} = {encoded(value)}" for key, value in values.items())
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    assert caught.value.line in range(1, len(values) + 1)


def test_everything_arrives() -> None:
    config = parse(
        'read_only = true\n[ui]\ntheme = "light"\nconfirm = "key"\nkeys = { take = "f5" }\n'
        '[[sites]]\nname = "lab"\nkind = "libvirt"\naddress = "qemu:///system"\njobs = 3\n[sites.options]\na = "b"\n',
        FILE,
    )
    site = config.sites[0].site()
    assert (config.ui.theme, config.ui.confirm, config.ui.keys) == ("light", "key", {"take": "f5"})
    assert (site.kind, site.address, site.jobs, site.options) == (PlatformKind.LIBVIRT, "qemu:///system", 3, {"a": "b"})
    assert not site.read_only
    assert config.sites[0].site(read_only=True).read_only


def test_a_lab_arrives() -> None:
    text = '[[labs]]\nname = "x"\nvms = ["a-*"]\nbaseline = "golden"\norder = ["a-dc"]\n[labs.keep]\nlast = 2\n'
    rule = parse(text, FILE).labs[0].rule()
    assert (rule.name, rule.vms, rule.baseline, rule.order, rule.keep.last) == ("x", ("a-*",), "golden", ("a-dc",), 2)


def test_the_sample_is_right_and_shows_every_key() -> None:
    assert parse(SAMPLE, FILE) == Config()
    # What is commented out becomes text when the marks are taken away; the words between have a blank after them.
    shown = re.sub(r"^#(?=[\w\[])", "", SAMPLE, flags=re.MULTILINE)
    config = parse(shown, FILE)
    assert config.sites[0].kind is PlatformKind.LIBVIRT
    for struct in (Config, UiConfig, SiteConfig, LabConfig):
        for name in struct.__struct_fields__:
            assert re.search(rf"\b{name}\b", shown)
    assert config.ui.keys
    assert msgspec.structs.replace(config, sites=(), labs=(), ui=UiConfig()) == Config()


def test_no_file_is_no_error_unless_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VMSNAP_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load() == Config()
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = 'ok'\n\n# \xe9"])
def test_a_file_that_is_not_text(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match="not UTF-8") as caught:
        load(file)
    assert caught.value.line == content.count(b"\n") + 1


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path)
