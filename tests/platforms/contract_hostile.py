"""Text from other people: it comes back as it was, or is refused in words; it never acts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vmsnap_tui.model.errors import VmsnapError
from vmsnap_tui.model.plan import Delete, Restore, Take
from vmsnap_tui.model.text import clean, clean_lines

if TYPE_CHECKING:
    from tests.platforms.subject import Subject
    from vmsnap_tui.model.plan import Request

HOSTILE = {
    "markup": "[bold red]x[/] [@click=app.quit]y[/]",
    "quotes": 'it\'s "quoted" `x` $(id) ;rm',
    "xml": "<name>&amp;]]><!--",
    "newline": "two\nlines",
    "escape": "\x1b[31mred\x1b]0;title\x07",
    "emoji": "🐧 naïve 名前 👩‍👩‍👧",
    "long": "n" * 200,
    "slash": "../../etc/passwd",
    "dash": "--force",
    "bidi": "a\u202egnp.exe",
    "percent": "%s %n {0} {}",
}


_each = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())


class HostileContract:
    """Bad names."""

    @_each
    def test_name_comes_back_or_is_refused(self, subject: Subject, text: str) -> None:
        plan = subject.plan(Take(subject.vm, text))
        assert "\x1b" not in plan.title
        if plan.refusals:
            assert all(refusal.code.startswith("name-") for refusal in plan.refusals)
            return
        if not _done(subject, plan.request):
            return
        (snapshot,) = subject.snapshots.values()
        assert snapshot.name == clean(text)
        assert subject.platform.source(subject.vm, snapshot.ref)[0]
        subject.do(Restore(snapshot.ref))
        subject.do(Delete(snapshot.ref))
        assert subject.snapshots == {}

    @_each
    def test_description_comes_back_or_is_refused(self, subject: Subject, text: str) -> None:
        plan = subject.plan(Take(subject.vm, "one", text))
        if plan.refusals:
            assert all(refusal.why for refusal in plan.refusals)
            return
        if not _done(subject, plan.request):
            return
        assert subject.snapshots["one"].description in {clean_lines(text), clean(text)}
        assert "\x1b" not in subject.platform.source(subject.vm, subject.snapshots["one"].ref)[0]

    @_each
    def test_what_others_named_can_be_deleted(self, subject: Subject, text: str) -> None:
        try:
            subject.outside.take(text)
        except Exception as error:  # noqa: BLE001 - whatever the other side's library says
            pytest.skip(f"nobody can make it: {type(error).__name__}")
        (snapshot,) = subject.snapshots.values()
        assert snapshot.name == clean(snapshot.name)
        assert subject.platform.facts(subject.vm).plan(Delete(snapshot.ref)).losses
        subject.do(Delete(snapshot.ref))
        assert subject.snapshots == {}


def _done(subject: Subject, request: Request) -> bool:
    """Whether it was done; an error is fine too, if it is a typed one and nothing is left."""
    try:
        subject.do(request)
    except VmsnapError:
        assert subject.snapshots == {}
        return False
    return True
