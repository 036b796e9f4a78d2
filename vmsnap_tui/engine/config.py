"""The user's config file: where it is, what may stand in it, and where it is wrong."""

from __future__ import annotations

import os
import re
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from vmsnap_tui.engine.config_lines import line_of
from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.lab import LabRule, bad_name
from vmsnap_tui.model.retention import Policy
from vmsnap_tui.model.vm import PlatformKind, Site

Name = Annotated[str, msgspec.Meta(pattern=r"^[^/\s][^/]*$", description="a name without a slash")]
JobLimit = Annotated[int, msgspec.Meta(ge=1, le=64)]
ChainLimit = Annotated[int, msgspec.Meta(ge=1, le=200)]


class SiteConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[sites]]` entry. `options` are the platform's own."""

    name: Name
    kind: PlatformKind
    address: str = ""
    read_only: bool = False
    jobs: JobLimit = 4
    chain_limit: ChainLimit = 20
    options: dict[str, str] = {}

    def site(self, *, read_only: bool = False) -> Site:
        """As the engine knows it."""
        forbids = self.read_only or read_only
        return Site(self.name, self.kind, self.address, forbids, self.jobs, self.chain_limit, dict(self.options))


Count = Annotated[int, msgspec.Meta(ge=0)]


class KeepConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[labs.keep]`: how many snapshots of each vm of a lab stay when it is pruned."""

    last: Count = 0
    hourly: Count = 0
    daily: Count = 0
    weekly: Count = 0
    monthly: Count = 0
    yearly: Count = 0

    def policy(self) -> Policy:
        """As the model knows it."""
        return Policy(self.last, self.hourly, self.daily, self.weekly, self.monthly, self.yearly)


class LabConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[labs]]` entry: names, patterns or tags of its vms."""

    name: Name
    vms: tuple[str, ...] = ()
    baseline: str = ""
    keep: KeepConfig = KeepConfig()
    order: tuple[str, ...] = ()

    def rule(self) -> LabRule:
        """As the model knows it."""
        return LabRule(self.name, self.vms, self.baseline, self.keep.policy(), self.order)


class UiConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[ui]`. `keys` maps an action's id to the keys that start it, with commas between them."""

    theme: str = ""
    confirm: Literal["type", "key"] = "type"
    keys: dict[str, str] = {}


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. `read_only` holds for every site."""

    read_only: bool = False
    ui: UiConfig = UiConfig()
    sites: tuple[SiteConfig, ...] = ()
    labs: tuple[LabConfig, ...] = ()


class ConfigError(VmsnapError):
    """The config file cannot be used. `line` counts from 1 and is None where none can be named."""

    kind = "config"

    def __init__(self, path: Path, line: int | None, words: str, hint: str = "") -> None:
        place = f"{path}:{line}" if line else str(path)
        super().__init__(f"{place}: {words}", hint)
        self.path = path
        self.line = line


def config_path() -> Path:
    """`$VMSNAP_CONFIG`, else `config.toml` in the user's config folder."""
    if named := os.environ.get("VMSNAP_CONFIG"):
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path("vmsnap") / "config.toml"


def load(path: Path | None = None) -> Config:
    """Read and check the file; without one (and none named) all is at its default. Raises ConfigError."""
    named = path is not None or "VMSNAP_CONFIG" in os.environ
    path = path or config_path()
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError as error:
        if not named:
            return Config()
        raise ConfigError(path, None, "there is no such file", "vmsnap config init writes one") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(path, line, "this is not UTF-8 text", "write the file as TOML in UTF-8") from error
    except OSError as error:
        raise ConfigError(path, None, error.strerror or str(error), "make it a file you can read") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """Check the text of a config file; `path` is for the messages. Raises ConfigError."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        at = re.search(r" \(at line (\d+), column \d+\)$", words)
        line = int(at[1]) if at else len(text.splitlines()) or None
        words = words[: at.start()] if at else words.removesuffix(" (at end of document)")
        hint = 'a line is: key = value, with text in "quotes"; tables are [ui], [[sites]] and [[labs]]'
        raise ConfigError(path, line, f"this is not TOML: {words}", hint) from error
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise _explained(str(error), text, path) from error
    _check_names(config, text, path)
    return config


def _check_names(config: Config, text: str, path: Path) -> None:
    named: set[str] = set()
    for index, lab in enumerate(config.labs):
        if why := bad_name(lab.name):
            raise ConfigError(path, line_of(text, ("labs", index, "name")), why, "choose another name")
        if lab.name in named:
            words = f'a second lab is called "{lab.name}"'
            raise ConfigError(path, line_of(text, ("labs", index, "name")), words, "rename one")
        named.add(lab.name)
    seen: set[str] = set()
    for index, site in enumerate(config.sites):
        where = ("sites", index, "name")
        if site.name in seen:
            raise ConfigError(path, line_of(text, where), f'a second site is called "{site.name}"', "rename one")
        if site.kind is not PlatformKind.DEMO and not site.address:
            words = f'site "{site.name}" has no address'
            raise ConfigError(path, line_of(text, where[:2]), words, 'such as address = "qemu:///system"')
        seen.add(site.name)


def _explained(message: str, text: str, path: Path) -> ConfigError:
    """msgspec's words, with the line that they speak of and what would have been right."""
    words, _, at = message.partition(" - at `")
    steps = tuple(
        int(step[1:-1]) if step.startswith("[") else step for step in re.findall(r"\[\d+\]|[^.\[\]$]+", at.rstrip("`"))
    )
    words = words.replace("Object contains", "there is an").replace("Object missing", "there is no")
    words = words.replace("an unknown field", "an unknown key").replace("no required field", "no")
    if not (unknown := re.search(r"unknown key `(.+)`", words)):
        return ConfigError(path, line_of(text, steps), _plain(words, steps))
    known = _keys_at(steps)
    close = get_close_matches(unknown[1], known, 1)
    hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
    return ConfigError(path, line_of(text, (*steps, unknown[1])), words, hint)


def _plain(words: str, steps: tuple[int | str, ...]) -> str:
    """The same message in the file's own terms: `name: expected text, got a number`."""
    if words.startswith("Invalid enum value"):
        names = [kind.value for kind in PlatformKind] if steps[-1] == "kind" else ["type", "key"]
        words = f"{words.replace('Invalid enum value', 'expected one of ' + ', '.join(names) + '; got')}"
    if "matching regex" in words:
        words = "expected a name without a slash, not empty"
    for python, plain in _TYPES:
        words = words.replace(f"`{python}`", plain)
    words = words[:1].lower() + words[1:]
    key = next((step for step in reversed(steps) if isinstance(step, str) and step != "..."), "")
    how = f"[[{key}]]" if key in {"sites", "labs"} else '["one", "two"]'
    words = words.replace("expected a list", f"expected a list, such as {how}")
    return f"{key}: {words}" if key else words


_TYPES = (
    ("str", "text in quotes"),
    ("int", "a whole number"),
    ("float", "a number"),
    ("bool", "true or false"),
    ("array", "a list"),
    ("object", "a table"),
)


def _keys_at(steps: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand in the table at `steps`."""
    tables = {"sites": SiteConfig, "labs": LabConfig, "ui": UiConfig}
    table = tables.get(str(steps[0])) if steps else Config
    if steps and "keep" in steps:
        table = KeepConfig
    return list(table.__struct_fields__) if table else []


SAMPLE = """\
# vmsnap's config file. Every line that is commented out shows the default or an example.

# Forbid every change on every site, like --read-only.
#read_only = false

[ui]
# A theme by name: one that comes with vmsnap, or a file in the themes folder beside this file.
#theme = "dark"

# How something destructive is confirmed in the app: "type" the vm's name, or a second deliberate "key".
#confirm = "type"

# Your own keys: an action's id (shown by ? in the app) and the keys for it, with commas between them.
[ui.keys]
#take = "s,f5"

# The sites, one block each, in the order of the screen. Without any, vmsnap looks for libvirt on this
# machine (qemu:///system and qemu:///session) and else shows the demo.
#[[sites]]
#name = "lab"                                  # how you call it; no slash
#kind = "libvirt"                              # libvirt, openstack, or demo
#address = "qemu+ssh://root@host.example/system" # or a cloud of clouds.yaml: "cloud", "cloud/region"
#read_only = false                             # forbid every change here
#jobs = 4                                      # how many jobs may run here at a time
#chain_limit = 20                              # layers of a disk above which vmsnap check calls its chain too long
#[sites.options]                               # what this kind of site takes besides, as text
#all_projects = "yes"                          # openstack: servers of every project, for administrators
#project = "other"                             # openstack: another project than the cloud names

# Labs: vms that are reset together. One that is made in the app (b) needs no block here: it stands on the platforms.
#[[labs]]
#name = "networks-101"
#vms = ["student-*", "kvm/router", "tag:lab:networks-101"]  # names, patterns, tags
#baseline = "handed-out"                       # the snapshot's name where none is marked as the lab's baseline
#order = ["router"]                            # what others depend on comes up first; these wait for it
#[labs.keep]                                   # what prune --lab keeps of each vm; protected ones stay anyway
#last = 3
#hourly = 0
#daily = 7
#weekly = 4
#monthly = 0
#yearly = 0
"""
