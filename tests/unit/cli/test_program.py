"""The config commands, the doctor, completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmsnap_tui.cli.exits import Exit

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.unit.cli.conftest import Vmsnap


def test_init_writes_a_file_that_is_right_and_never_over_another(vmsnap: Vmsnap, config_file: Path) -> None:
    before = config_file.read_text()
    assert vmsnap("config", "init").code == Exit.USAGE
    assert config_file.read_text() == before
    assert vmsnap("config", "init", "--force").code == Exit.OK
    assert "[[sites]]" in config_file.read_text()
    assert vmsnap("config", "check").code == Exit.OK
    assert vmsnap("config", "path").out.strip() == str(config_file)


def test_init_makes_the_folder(vmsnap: Vmsnap, tmp_path: Path) -> None:
    file = tmp_path / "new/folder/config.toml"
    assert vmsnap("--config", str(file), "config", "init").code == Exit.OK
    assert file.exists()


def test_a_config_that_is_not_toml_is_told_by_line(vmsnap: Vmsnap, config_file: Path) -> None:
    config_file.write_text("[ui]\ntheme = dark\n")
    for arguments in (("ls",), ("config", "check"), ("tree", "x"), ()):
        ended = vmsnap(*arguments)
        assert ended.code == Exit.USAGE
        assert f"{config_file}:2: this is not TOML" in ended.err


def test_check_json_holds_the_settings(vmsnap: Vmsnap) -> None:
    shown = vmsnap("config", "check", "--json").json
    assert shown["config"]["sites"][0]["kind"] == "demo"


def test_doctor_finds_nothing_wrong(vmsnap: Vmsnap) -> None:
    ended = vmsnap("doctor", "-c", "test:///default", "--json")
    assert (ended.code, ended.json["ok"]) == (Exit.OK, True)
    site = ended.json["findings"][-1]
    assert "test:///default" in site["area"]
    assert site["text"].startswith("libvirt ")
    assert ["allowed", "read-only"] in vmsnap("doctor", "--read-only", "--json").json["findings"][-1]["details"]


def test_doctor_says_what_to_fix(vmsnap: Vmsnap, config_file: Path) -> None:
    ended = vmsnap("doctor", "-c", "test:///nope.xml")
    assert ended.code == Exit.FAILED
    assert "to fix:" in ended.out
    config_file.write_text("jobs = 3")
    ended = vmsnap("doctor")
    assert ended.code == Exit.FAILED
    assert f"{config_file}:1" in ended.out
    assert "read_only, ui, sites" in ended.out


def test_doctor_sees_a_state_folder_that_cannot_be_made(
    vmsnap: Vmsnap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    findings = vmsnap("doctor", "--json").json["findings"]
    assert [finding["area"] for finding in findings if not finding["ok"]] == ["state folder"]


def test_completion_prints_a_script(vmsnap: Vmsnap) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert "_VMSNAP_COMPLETE" in vmsnap("completion", shell).out
