"""What must become of an indicator: the documented rule of the sync, over plain values. Knows nothing of its code.

The rule: each run takes XDR's changes, then sends XSOAR's. Field by field XSOAR's change wins where both sides changed
the field between two runs that got to their end, XDR's change stays otherwise; for an indicator that never came from
XDR, XSOAR's whole record counts as changed. A run may stop anywhere, and people may work while it runs. So an indicator
has a set of possible stories; what is seen of both sides leaves only those that fit. None left: the rule was broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

SEVERITY, COMMENT, EXPIRES, STATUS, VERDICT = FIELDS = ("severity", "comment", "expires", "status", "verdict")
ENABLED, DISABLED, DELETED = "ENABLED", "DISABLED", "DELETED"
NEVER = -1
SENT_VERDICTS = (2, 3)
NONE: frozenset[str] = frozenset()


class Content(NamedTuple):
    """What one side holds of an indicator.

    Severity in capitals; `expires` in epoch ms, -1 for never; status in capitals, "" where XSOAR says nothing; verdict
    0 to 3. A None stands for a value that nobody can know.
    """

    severity: str | None
    comment: str | None
    expires: int | None
    status: str | None
    verdict: int | None

    def get(self, name: str) -> object:
        """A field by its name."""
        return self[FIELDS.index(name)]

    def put(self, **fields: object) -> Content:
        """The same with other fields."""
        return self._replace(**fields)  # type: ignore[arg-type]


class Xsoar(NamedTuple):
    """XSOAR's side of an indicator.

    `locks` are fields that a person set, which nobody else can change; `feed` is what the feed said last; `vote` the
    verdict that came from XDR. `known`: a change of XDR was taken, and `base` and `theirs` are what both sides held
    when they last agreed. `touched`: it was changed, and for an indicator that is not known all of it has to be sent.
    `prior`: an expiration that was XSOAR's before XDR's was taken; until a run has looked at what came of it, nobody
    can tell whether it is a change.
    """

    now: Content
    locks: frozenset[str] = NONE
    feed: Content | None = None
    vote: int = 0
    known: bool = False
    base: Content | None = None
    theirs: Content | None = None
    touched: bool = True
    prior: int | None = None


class Story(NamedTuple):
    """One possible course of things.

    `quiet`: XDR has nothing to tell, because XSOAR wrote the rule last or took its last change. `owed`: fields that
    were about to be sent, and XSOAR has not noted what became of it. `waiting`: the first sync has not come by.
    `step` and the rest: how far the run is that is under way, and what it has read. `raced`: people were at work in
    the middle. `ours`: XSOAR wrote the rule last but for operators' edits. `away`: XSOAR switched it off because it was
    not wanted any more; `back`: the run under way brings it back.
    """

    xsoar: Xsoar | None
    xdr: Content | None
    quiet: bool = True
    owed: frozenset[str] = NONE
    excluded: bool = False
    waiting: bool = False
    step: int = 0
    row: Content | None = None
    read: Xsoar | None = None
    sent: frozenset[str] = NONE
    raced: bool = False
    ours: bool = False
    away: bool = False
    back: bool = False


Stories = frozenset[Story]
Step = Callable[[Story, int], Iterable[Story]]


# ---- what people and feeds do


def feed_says(story: Story, content: Content) -> Story | None:
    """A feed delivers its whole record; what a person set stays, and nothing that is excluded comes in."""
    if story.excluded and story.xsoar is None:
        return story
    old = story.xsoar
    if old is None:
        return story._replace(xsoar=Xsoar(content, feed=content))
    if old.feed == content:
        return story
    now = written(old, content)
    verdict = old.now.verdict if VERDICT in old.locks else max(content.verdict or 0, old.vote)
    return story._replace(xsoar=old._replace(now=now.put(verdict=verdict), feed=content, touched=True), waiting=False)


def person_says(story: Story, field: str, value: object) -> Story | None:
    """A person edits one field in XSOAR, and it is locked from then on. None: there is no such indicator."""
    old = story.xsoar
    if old is None:
        return None
    now = old.now.put(**{field: value})
    if now == old.now and field in old.locks:
        return story
    return story._replace(xsoar=old._replace(now=now, locks=old.locks | {field}, touched=True), waiting=False)


def xsoar_deletes(story: Story, exclude: bool) -> Story | None:
    """A person deletes the indicator in XSOAR, and with it all that was noted on it."""
    return story._replace(xsoar=None, owed=NONE, excluded=story.excluded or exclude)


def operator_says(story: Story, changes: dict[str, object]) -> Story | None:
    """An operator edits the rule in XDR. None: there is none."""
    if story.xdr is None or story.xdr.status == DELETED:
        return None
    return story._replace(xdr=story.xdr.put(**changes), quiet=False)


def operator_adds(story: Story, content: Content) -> Story | None:
    """An operator makes a rule for a value that had none. None: there is one."""
    if story.xdr is not None and story.xdr.status != DELETED:
        return None
    return story._replace(xdr=content, quiet=False, ours=False, away=False)


def written(old: Xsoar, content: Content) -> Content:
    """XSOAR's fields after somebody other than a person wrote these; an empty text or None writes nothing."""
    fields = {
        name: content.get(name)
        for name in (SEVERITY, COMMENT, EXPIRES, STATUS)
        if name not in old.locks and content.get(name) not in ("", None)
    }
    return old.now.put(**fields)


# ---- the steps of a run, in this order


def asks_xdr(story: Story, now_ms: int) -> Iterable[Story]:
    """The changes are asked for."""
    visible = story.xdr if story.xdr is not None and not story.quiet else None
    if visible and story.away and visible.status == DISABLED:
        # The edit is the operator's, that it is off is not.
        visible = visible.put(status=ENABLED)
    return [story._replace(row=visible, read=None, sent=NONE)]


def looks_up(story: Story, now_ms: int) -> Iterable[Story]:
    """The indicators of the changes are looked up. The change of one that XSOAR does not have comes as it is."""
    as_it_is = story.row and story.away and story.xsoar is None
    return [story._replace(read=story.xsoar, row=story.xdr if as_it_is else story.row)]


def takes(story: Story, now_ms: int) -> Iterator[Story]:
    """What XDR changed is written into XSOAR."""
    row, read = story.row, story.read
    if row is None or (read is not None and read.known and row == read.theirs):
        yield story
        return
    if read is None:
        yield from created(story, row)
        return
    if not read.known and agrees(read.now if alive(read.now, now_ms) else read.now.put(expires=NEVER), row):
        yield story
    for owned in ownerships(story, read, now_ms):
        yield taken(story, read, row, owned)


def settles(story: Story, now_ms: int) -> Iterable[Story]:
    """XSOAR notes what expirations came to be."""
    now = story.xsoar
    if now is None or now.prior is None or now.base is None:
        return [story]
    base = now.base.put(expires=now.prior) if now.now.expires == now.prior else now.base
    return [story._replace(xsoar=now._replace(base=base, prior=None))]


def moves_on(story: Story, now_ms: int) -> Iterable[Story]:
    """XSOAR notes up to where it took XDR's changes."""
    same = story.xdr == story.row or (story.away and story.row and story.xdr == story.row.put(status=DISABLED))
    return [story._replace(quiet=bool(story.quiet or same))]


def created(story: Story, row: Content) -> Iterator[Story]:
    if row.status == DELETED or (story.excluded and story.xsoar is None):
        yield story
        return
    if story.xsoar is None:
        yield story._replace(xsoar=Xsoar(row, vote=row.verdict or 0, known=True, base=row, theirs=row, touched=False))
        return
    # A feed brought it while the run was between its look and its writing.
    known = story.xsoar._replace(known=True, base=row, theirs=row, vote=row.verdict or 0)
    now = written(story.xsoar, row)
    verdict = now.verdict if VERDICT in known.locks else max((known.feed or row).verdict or 0, known.vote)
    yield story._replace(xsoar=known._replace(now=now.put(verdict=verdict)), raced=True)


def agrees(now: Content, row: Content) -> bool:
    """Does XDR hold what XSOAR says? Saying nothing about the status means enabled."""
    return now.put(status=now.status or ENABLED) == row.put(status=row.status or ENABLED)


def ownerships(story: Story, read: Xsoar, now_ms: int) -> list[frozenset[str]]:
    """The fields that count as changed in XSOAR; more than one answer where the rule leaves it open."""
    over = frozenset() if alive(read.now, now_ms) else frozenset([EXPIRES])
    if read.known:
        return [changes_of(read) | story.owed | over]
    opinions = frozenset(name for name in FIELDS if read.now.get(name) not in ("", DELETED))
    if not wanted(read.now, now_ms):
        # Not to be sent, so nobody has sent it: whether its last change counts as sent is not said.
        return [opinions, over]
    if story.waiting and read.touched:
        # It was not changed since the sync began, only not sent yet.
        return [opinions, NONE]
    return [opinions] if read.touched else [NONE]


def changes_of(xsoar: Xsoar) -> frozenset[str]:
    """The fields of a known indicator that are not what they were when both sides agreed."""
    assert xsoar.base is not None
    changed = frozenset(name for name in FIELDS if xsoar.now.get(name) != xsoar.base.get(name))
    return changed - {EXPIRES} if xsoar.prior is not None and xsoar.now.expires == xsoar.prior else changed


def taken(story: Story, read: Xsoar, row: Content, owned: frozenset[str]) -> Story:
    """The story after XDR's row was written, but for what is `owned` by XSOAR."""
    offered = {name: None if name in owned else row.get(name) for name in (SEVERITY, COMMENT, EXPIRES, STATUS)}
    if offered[EXPIRES] in (None, NEVER):
        offered[EXPIRES] = read.now.expires
    item = Content(**offered, verdict=None)  # type: ignore[arg-type]
    vote = read.vote
    if VERDICT not in owned and row.verdict != read.now.verdict:
        vote = row.verdict or 0
    expected = written(read, item)
    # What XSOAR has still to say counts as changed until it was sent, unless XDR says the same by now.
    base = expected.put(**{name: row.get(name) if row.get(name) == expected.get(name) else None for name in owned})
    now = story.xsoar
    raced = story.raced or now != read
    if now is None:
        # Deleted between the look and the writing: it is there again, with what was written only.
        now = Xsoar(Content("", "", NEVER, "", 0))
    verdict = now.now.verdict
    if VERDICT not in now.locks:
        verdict = max((now.feed.verdict if now.feed else 0) or 0, vote)
    known = now._replace(
        now=written(now, item).put(verdict=verdict),
        vote=vote,
        known=True,
        base=base.put(verdict=base.verdict),
        theirs=row,
    )
    if VERDICT not in owned:
        known = known._replace(base=base.put(verdict=verdict if now == read else read.now.verdict))
    open_end = EXPIRES not in owned and expected.expires != read.now.expires
    return story._replace(xsoar=known._replace(prior=read.now.expires if open_end else read.prior), raced=raced)


def wanted(now: Content, now_ms: int) -> bool:
    """Does the Sync Query of the chaos run find it?"""
    return now.verdict in SENT_VERDICTS and alive(now, now_ms)


def alive(now: Content, now_ms: int) -> bool:
    """Is it not over?"""
    assert now.expires is not None
    return now.expires == NEVER or now.expires > now_ms


def reads_xsoar(story: Story, now_ms: int) -> Iterable[Story]:
    """What is to be sent is read."""
    read = story.xsoar
    if read is None or not wanted(read.now, now_ms):
        return [story._replace(read=None, sent=NONE)]
    story = story._replace(back=story.away)
    if not read.known:
        opinions = frozenset(FIELDS) if read.touched else NONE
        return [story._replace(read=read, sent=opinions)]
    assert read.theirs is not None
    changed = changes_of(read)
    news = {name for name in changed if read.now.get(name) != read.theirs.get(name)}
    news = {name for name in news if name == COMMENT or read.now.get(name) not in ("", DELETED)}
    return [story._replace(read=read, sent=(changed | story.owed) if news or story.owed else NONE)]


def intends(story: Story, now_ms: int) -> Iterable[Story]:
    """XSOAR notes on a known indicator what is about to be sent."""
    read, now = story.read, story.xsoar
    if read is None or not read.known or not story.sent or now is None:
        return [story]
    kept = now.now if EXPIRES in now.locks else now.now.put(expires=read.now.expires)
    noted_on = now._replace(now=kept, base=read.base, theirs=read.theirs, known=True)
    return [story._replace(xsoar=noted_on, owed=story.owed | story.sent, raced=story.raced or kept != now.now)]


def sends(story: Story, now_ms: int) -> Iterable[Story]:
    """XDR takes the record. That of an IOC that is to be enabled says nothing about its status."""
    read = story.read
    if read is None or not (story.sent or story.back):
        return [story]
    held = story.xdr if story.xdr is not None and story.xdr.status != DELETED else None
    record = merged(read, story.sent) if read.known else read.now
    status = DISABLED if record.status == DISABLED else held.status if held else ENABLED
    erased = read.known and COMMENT in story.sent and read.theirs is not None and read.theirs.comment
    comment = record.comment if record.comment or erased else held.comment if held else ""
    raced = story.raced or bool(held is not None and not story.quiet and read.theirs != held)
    after = record.put(status=status, comment=comment)
    return [story._replace(xdr=after, quiet=True, raced=raced, ours=True)]


def enables(story: Story, now_ms: int) -> Iterable[Story]:
    """An IOC that XSOAR wants enabled is."""
    read = story.read
    if read is not None and story.back and story.xdr is not None and story.xdr.status == DISABLED:
        record = merged(read, story.sent) if read.known else read.now
        if record.status != DISABLED:
            return [story._replace(xdr=story.xdr.put(status=ENABLED), quiet=True)]
    if read is None or STATUS not in story.sent or read.now.status != ENABLED or story.xdr is None:
        return [story]
    if story.xdr.status == DELETED or (read.known and read.theirs and read.theirs.status != DISABLED):
        return [story]
    return [story._replace(xdr=story.xdr.put(status=ENABLED), quiet=story.quiet or story.xdr.status != ENABLED)]


def merged(read: Xsoar, changed: frozenset[str]) -> Content:
    assert read.theirs is not None
    return read.theirs.put(**{name: read.now.get(name) for name in changed})


def notes(story: Story, now_ms: int) -> Iterable[Story]:
    """XSOAR notes what XDR took, and the position moves on."""
    read, now = story.read, story.xsoar
    story = story._replace(away=story.away and not story.back, back=False)
    if now is None:
        # With nothing left to be noted on, an indicator that was known comes back as an empty one.
        if read is None or not read.known or not story.sent:
            return [story]
        empty = Xsoar(Content("", "", NEVER, "", read.vote), vote=read.vote)
        return [story, noted(story._replace(xsoar=empty, raced=True), read)]
    if read is not None and read.known and not story.sent and now.known:
        return [agreed(settled_story, read) for settled_story in settles(story, now_ms)]
    if not story.sent or read is None:
        unread = story._replace(xsoar=now._replace(touched=now.touched and now != read and wanted(now.now, now_ms)))
        return [unread, story] if now.touched and not wanted(now.now, now_ms) else [unread]
    if not read.known:
        return [story._replace(xsoar=now._replace(touched=now.now != read.now or now.feed != read.feed))]
    return [noted(story, read)]


def agreed(story: Story, read: Xsoar) -> Story:
    """What XSOAR had still to say is settled where XDR says it, too."""
    now = story.xsoar
    assert now is not None and now.base is not None and read.theirs is not None
    both = {name: read.now.get(name) for name in FIELDS if read.now.get(name) == read.theirs.get(name)}
    return story._replace(xsoar=now._replace(base=now.base.put(**both)))


def noted(story: Story, read: Xsoar) -> Story:
    now = story.xsoar
    assert now is not None and read.base is not None and read.theirs is not None
    record = merged(read, story.sent)
    revived = read.theirs.status == DELETED
    status = record.status if record.status == DISABLED else ENABLED
    if record.status not in (ENABLED, DISABLED) and not revived:
        status = read.theirs.status or ENABLED
    theirs = record.put(status=status)
    base = read.base.put(**{name: read.now.get(name) for name in story.sent})
    fields: dict[str, object] = {}
    if revived and STATUS not in now.locks:
        fields[STATUS] = status
        base = base.put(status=status)
    if EXPIRES not in now.locks:
        fields[EXPIRES] = theirs.expires
        if EXPIRES not in story.sent:
            base = base.put(expires=theirs.expires)
    raced = story.raced or now != read
    after = now._replace(now=now.now.put(**fields), base=base, theirs=theirs, known=True, prior=None)
    return story._replace(xsoar=after, owed=story.owed - story.sent, raced=raced)


def removes(story: Story, now_ms: int) -> Iterable[Story]:
    """What is not wanted any more may be switched off, now or in a later run, as cap and time go."""
    if not stale(story, now_ms):
        return [story]
    assert story.xdr is not None
    return [story, story._replace(xdr=story.xdr.put(status=DISABLED), quiet=True, away=True)]


def stale(story: Story, now_ms: int) -> bool:
    """Does XDR enforce what XSOAR sent and does not want any more?"""
    if story.xdr is None or story.xdr.status != ENABLED or not (story.ours and alive(story.xdr, now_ms)):
        return False
    return story.xsoar is None or not wanted(story.xsoar.now, now_ms)


STEPS: tuple[Step, ...] = (asks_xdr, looks_up, takes, settles, moves_on, reads_xsoar, intends, sends, enables, notes)


# ---- runs


def whole_run(stories: Stories, now_ms: int, removal: bool = False) -> Stories:
    """A run that got to its end, from wherever it is; with `removal` it may have removed what is not wanted."""
    ended = frozenset(rested(story) for story in _walk(stories, now_ms) if story.step == len(STEPS))
    return frozenset(after for story in ended for after in removes(story, now_ms)) if removal else ended


def broken_run(stories: Stories, now_ms: int, removal: bool = False, blind: bool = False) -> Stories:
    """A run that stopped anywhere; a `blind` one sends without having read XDR's changes."""
    unread = {story._replace(step=STEPS.index(reads_xsoar), raced=True) for story in stories} if blind else set()
    ended = frozenset(map(rested, _walk(stories | unread, now_ms)))
    return frozenset(after for story in ended for after in removes(story, now_ms)) if removal else ended


def under_way(stories: Stories, now_ms: int) -> Stories:
    """A run that is anywhere by now and goes on."""
    return frozenset(_walk(stories, now_ms))


def rested(story: Story) -> Story:
    """No run is under way."""
    return story._replace(step=0, row=None, read=None, sent=NONE, back=False)


def _walk(stories: Stories, now_ms: int) -> set[Story]:
    reached, edge = set(stories), list(stories)
    while edge:
        story = edge.pop()
        if story.step == len(STEPS):
            continue
        for after in STEPS[story.step](story, now_ms):
            after = after._replace(step=story.step + 1)
            if after not in reached:
                reached.add(after)
                edge.append(after)
    return reached


def seen(stories: Stories, xsoar: Content | None, xdr: Content | None) -> Stories:
    """The stories that fit what both sides hold now."""
    return frozenset(
        story for story in stories if (story.xsoar.now if story.xsoar else None) == xsoar and story.xdr == xdr
    )


def settled(stories: Stories, now_ms: int, removal: bool) -> bool:
    """Would another run change nothing?"""
    return whole_run(stories, now_ms, removal) == frozenset(map(rested, stories))
