"""What a watch writes can always be read back as what is open, whatever happens to the stack and to the watch."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.exemptions import Exemption
from policies.report import Report
from policies.resource import Resource
from policies.watch import (
    AlertDelivered,
    BrokenLog,
    Cause,
    Contradiction,
    Event,
    Kind,
    Observation,
    Opened,
    Origin,
    Passed,
    Record,
    Resolved,
    Started,
    StillOpen,
    Update,
    WatchState,
    compare,
    infer_cause,
    is_truncated,
    list_findings,
    list_unseen,
    make_blind_finding,
    mark_truncated,
    parse_records,
    render_record,
)
from tests.policies.report.small import NOW, RESOURCES, SPARED, UNKNOWN, disk, small

DRIFT = Cause(origin=Origin.DRIFT)
NOTHING = RESOURCES[-1]
"""A resource that no check means."""
SIZES = {"small": 1, "large": 99, "huge": 100, "unknown": UNKNOWN}


def estate(disks: dict[str, str]) -> Report:
    """Disks by name, each of a size; `spared` ones are exempt."""
    return _estate(frozenset(disks.items()))


@cache
def _estate(disks: frozenset[tuple[str, str]]) -> Report:
    return small(NOTHING, *(disk(name, size=SIZES[size], name=name) for name, size in sorted(disks)))


def blinded(stage: str = "refresh", reason: str = "no answer") -> Observation:
    return Observation(blind=(make_blind_finding("shop", "prod", stage, reason),))


reports = st.dictionaries(st.sampled_from(["a", "b", "spared"]), st.sampled_from(sorted(SIZES))).map(estate)
observations = st.one_of(
    reports.map(Observation),
    st.sampled_from([blinded(), blinded("state"), blinded(reason="refused")]),
    reports.map(lambda one: Observation(one, blinded().blind)),
)
histories = st.lists(observations, max_size=8)


def events_of(state: WatchState, observation: Observation) -> tuple[Event, ...]:
    return compare(state.findings, observation, DRIFT, NOW)


def watched(observations: Iterable[Observation]) -> list[Record]:
    """All records of a watch that sees these, one after the other."""
    records: list[Record] = [Started(at=NOW, project="shop", stack="prod")]
    for observation in observations:
        records += events_of(WatchState.after_all(records), observation)
        records.append(Passed(at=NOW, began=NOW, seen="", digest="d" if observation.report else ""))
    return records


def keys(observation: Observation) -> set[str]:
    found = list_findings(observation.report) if observation.report else ()
    return {one.key for one in (*found, *observation.blind)}


@given(histories)
def test_findings_open_and_resolve_in_turns(seen: list[Observation]) -> None:
    turns: dict[str, list[str]] = defaultdict(list)
    for record in watched(seen):
        if isinstance(record, Opened | Resolved):
            turns[record.finding.key].append(record.event)
    assert turns.keys() == {key for observation in seen for key in keys(observation)}
    for events in turns.values():
        assert events == ["opened", "resolved"] * (len(events) // 2) + ["opened"] * (len(events) % 2)


@given(histories, reports)
def test_the_log_gives_what_the_last_report_says_however_it_came_there(seen: list[Observation], last: Report) -> None:
    state = WatchState.after_all(watched([*seen, Observation(last)]))
    assert set(state.open) == keys(Observation(last))
    assert state.findings == {finding.key: finding for finding in list_findings(last)}


@given(histories, st.sampled_from([blinded(), blinded("state")]))
def test_a_blind_pass_takes_nothing_away(seen: list[Observation], pass_: Observation) -> None:
    before = WatchState.after_all(watched(seen))
    after = WatchState.after_all(watched([*seen, pass_]))
    kept = {key for key, one in before.findings.items() if one.kind is not Kind.BLIND}
    assert kept | keys(pass_) == set(after.open)


@given(observations)
def test_the_same_again_is_no_event(seen: Observation) -> None:
    state = WatchState.after_all(watched([seen]))
    assert events_of(state, seen) == ()


@given(histories, reports, st.data())
def test_a_log_cut_at_any_byte_loses_nothing_that_the_next_pass_does_not_find_again(
    seen: list[Observation], last: Report, data: st.DataObject
) -> None:
    whole = b"".join(map(render_record, watched(seen)))
    content = whole[: data.draw(st.integers(0, len(whole)))]
    for _ in range(data.draw(st.integers(0, 2))):  # killed again while it mends
        if is_truncated(content):
            mending = mark_truncated(NOW)
            content += mending[: data.draw(st.integers(0, len(mending)))]
    if is_truncated(content):
        content += mark_truncated(NOW)
    assert not is_truncated(content)
    records = list(parse_records(content))
    state = WatchState.after_all(records)
    for event in events_of(state, Observation(last)):
        content += render_record(event)
    assert WatchState.after_all(parse_records(content)).findings == {
        finding.key: finding for finding in list_findings(last)
    }


@given(histories)
def test_text_and_records_say_the_same(seen: list[Observation]) -> None:
    records = watched(seen)
    assert list(parse_records(b"".join(map(render_record, records)))) == records


@given(histories, st.data())
def test_what_is_open_is_untold_until_it_is_told(seen: list[Observation], data: st.DataObject) -> None:
    state = WatchState.after_all(watched(seen))
    assert state.untold == set(state.open)
    told = data.draw(st.sets(st.sampled_from(sorted(state.open)))) if state.open else set()
    after = state.after(AlertDelivered(at=NOW, keys=tuple(told)))
    assert after.untold == state.untold - told


def test_a_broken_line_in_the_midst_is_no_log() -> None:
    lines = [render_record(one) for one in watched([Observation(estate({"a": "large"}))])]
    with pytest.raises(BrokenLog, match="line 2"):
        list(parse_records(lines[0] + b'{"event": "opened"}\n' + lines[1]))
    assert len(list(parse_records(lines[0] + b'{"eve' + mark_truncated(NOW) + lines[1]))) == 3


@pytest.mark.parametrize("mending", [b"", b"\n", b'\n{"event"', mark_truncated(NOW)[:-1]])
def test_a_watch_killed_while_it_closes_off_a_line_is_followed_by_one_that_does(mending: bytes) -> None:
    lines = [render_record(one) for one in watched([Observation(estate({"a": "large"}))])]
    content = lines[0] + lines[1][:-9] + mending
    assert is_truncated(content)
    records = list(parse_records(content + mark_truncated(NOW) + lines[1]))
    assert WatchState.after_all(records).open


@pytest.mark.parametrize(
    ("observations", "again", "fault"),
    [
        ([{"a": "large"}], 1, "opened a second time"),
        ([{"a": "large"}, {"a": "small"}], 3, "is not open"),
    ],
)
def test_records_that_contradict_each_other_are_refused(
    observations: list[dict[str, str]], again: int, fault: str
) -> None:
    records = watched(Observation(estate(observation)) for observation in observations)
    with pytest.raises(Contradiction, match=fault):
        WatchState.after_all([*records, records[again]])


def test_a_log_of_another_stack_is_refused() -> None:
    with pytest.raises(Contradiction, match="of shop/prod, not of shop/dev"):
        WatchState.after_all([*watched([]), Started(at=NOW, project="shop", stack="dev")])


@pytest.mark.parametrize(
    ("now", "instead"),
    [
        ({"a": "small"}, "pass"),
        ({}, "resource gone"),
        ({"a": "unknown"}, "not determinable"),
    ],
)
def test_a_resolved_finding_tells_what_is_there_instead(now: dict[str, str], instead: str) -> None:
    state = WatchState.after_all(watched([Observation(estate({"a": "large"}))]))
    resolved = [one for one in events_of(state, Observation(estate(now))) if isinstance(one, Resolved)]
    assert [(one.finding.resource, one.now) for one in resolved] == [("a", instead)]


def test_a_finding_that_becomes_exempt_is_resolved_by_name_and_ticket() -> None:
    bad = disk("spared", size=99, name="a")
    state = WatchState.after_all(watched([Observation(small(bad, exemptions=()))]))
    spared: tuple[Exemption, ...] = (SPARED,)
    [event] = events_of(state, Observation(small(bad, exemptions=spared)))
    assert isinstance(event, Resolved)
    assert event.now == "exempt until 2030-06-01 by platform (LF-1)"


def test_a_control_that_is_looked_at_no_more_is_not_told_as_a_pass() -> None:
    both: Resource = disk("a", size=99, name="a")
    state = WatchState.after_all(watched([Observation(small(both))]))
    [event] = events_of(state, Observation(small(disk("a", scratch=True, name="a"))))
    assert isinstance(event, Resolved)
    assert event.now == "not applicable"


def test_another_reason_is_told_without_opening_anew() -> None:
    state = WatchState.after_all(watched([Observation(estate({"a": "large"}))]))
    [event] = events_of(state, Observation(estate({"a": "huge"})))
    assert isinstance(event, StillOpen)
    assert event.finding.reason == "size is 100"
    after = state.after(event)
    assert after.findings[event.finding.key].reason == "size is 100"
    assert after.open.keys() == state.open.keys()


def test_a_finding_is_complete_and_has_the_fingerprint_of_the_report() -> None:
    report = estate({"a": "large"})
    [finding] = list_findings(report)
    assert (finding.control, finding.resource, finding.remedy) == ("T-1", "a", "Make it <so>.")
    assert finding.requirements == {"soc2": ("R 1(a)",)}
    assert finding.fingerprint in {verdict.fingerprint for verdict in report.violations}


def update(number: int, kind: str = "update") -> Update:
    started = datetime.datetime(2030, 1, 1, 0, number, tzinfo=datetime.UTC)
    return Update(version=0, kind=kind, started=started, author=f"author {number}", message=f"message {number}")


HISTORY = (update(3), update(2, "refresh"), update(1))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [(HISTORY[0].id, ()), (HISTORY[2].id, HISTORY[:2]), ("", HISTORY), ("pruned", HISTORY)],
)
def test_updates_are_new_after_the_one_that_was_seen(seen: str, expected: tuple[Update, ...]) -> None:
    assert list_unseen(HISTORY, seen) == expected


@pytest.mark.parametrize(
    ("updates", "origin", "told"),
    [
        ((), Origin.RULES, "rules"),
        (HISTORY[1:2], Origin.DRIFT, "drift"),
        (HISTORY[2:], Origin.UPDATE, "update by author 1: message 1"),
        (HISTORY[:2], Origin.UPDATE, "update by author 3: message 3, or one of 1 before it"),
    ],
)
def test_a_cause_is_an_update_with_its_author_or_drift(updates: tuple[Update, ...], origin: Origin, told: str) -> None:
    cause = infer_cause(updates, Origin.RULES)
    assert (cause.origin, str(cause)) == (origin, told)


def test_only_a_pass_without_a_failure_counts_as_the_last() -> None:
    later = NOW + datetime.timedelta(hours=1)
    state = WatchState.after_all(watched([Observation(estate({}))]))
    failed = Passed(at=later, began=later, seen="", digest="", failed=("refresh",))
    assert state.after(failed).last_pass == NOW
    assert state.after(failed.model_copy(update={"failed": ()})).last_pass == later
