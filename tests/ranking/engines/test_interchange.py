"""The JSONL form: what is accepted, what is refused with which reason, and that nothing is lost either way."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ranking.engines.errors import BallotError
from ranking.engines.interchange import (
    MAX_LINE_BYTES,
    BallotReader,
    BallotRecord,
    parse_line,
    parse_line_with_oddities,
    read_ballots,
    to_line,
)

EXAMPLE = (
    '{"id": "b1", "voter": "v9", "voter_kind": "public", "protocol": "k-rank", "prompt": "p3", '
    '"items": ["sdxl", "pixart", "sd15", "kandinsky"], "ranks": [1, 2, 2, null], "all_bad": false, '
    '"categories": ["people"], "strength": null, "weight": 1.0, "at": "2026-01-31T09:00:00Z"}'
)


def line(**changes: object) -> str:
    return json.dumps({"items": ["a", "b"], "ranks": [1, 2], **changes})


def test_the_documented_example_is_read() -> None:
    assert parse_line(EXAMPLE) == BallotRecord(
        id="b1",
        voter="v9",
        voter_kind="public",
        protocol="k-rank",
        prompt="p3",
        items=("sdxl", "pixart", "sd15", "kandinsky"),
        ranks=(1, 2, 2, None),
        categories=("people",),
        weight=1.0,
        at=datetime(2026, 1, 31, 9, tzinfo=UTC),
    )


def test_items_and_ranks_are_enough() -> None:
    assert parse_line(line()) == BallotRecord(items=("a", "b"), ranks=(1, 2))


@pytest.mark.parametrize("key", ["id", "voter", "all_bad", "categories", "strength", "weight", "at"])
def test_null_means_absent(key) -> None:
    assert parse_line_with_oddities(line(**{key: None})) == (BallotRecord(items=("a", "b"), ranks=(1, 2)), ())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON: Expecting property name enclosed in double quotes at column 2"),
        ("[1, 2]", "a ballot is a JSON object, not a list"),
        ("7", "a ballot is a JSON object, not a whole number"),
        ('{"items": ["a", "b"]}', "ranks is missing"),
        ('{"ranks": [1, 2]}', "items is missing"),
        (line(items=None), "items is missing"),
        (line(items="ab"), "items must be a list of strings, not a string"),
        (line(items=["a", 3]), "items[1] must be a string, not a whole number"),
        (line(items=["a", ""]), "items[1] is empty"),
        (line(items=["a", " "]), "items[1] is empty"),
        (line(items=["a", "b\0"]), "items[1] holds a character that no database stores"),
        ('{"items": ["a", "\\ud800"], "ranks": [1, 2]}', "items[1] holds a character"),
        (line(items=["a", "a"]), "item 'a' appears twice"),
        (line(items=["a"], ranks=[1]), "a ballot needs at least two items, this one has 1"),
        (line(items=[], ranks=[]), "a ballot needs at least two items, this one has 0"),
        (line(ranks=[1, 2, 3]), "ranks has 3 entries for 2 items"),
        (line(ranks=[0, 1]), "ranks[0] is 0; the best rank is 1, the last is -1"),
        (line(ranks=[1, 2.0]), "ranks[1] must be a whole number or null, not a fraction"),
        (line(ranks=[1, True]), "ranks[1] must be a whole number or null, not true or false"),
        (line(ranks=[1, "2"]), "ranks[1] must be a whole number or null, not a string"),
        (line(ranks={"a": 1}), "ranks must be a list"),
        (line(ranks=[1, 10**30]), "ranks[1] is beyond 1000000"),
        (line(all_bad=True), "all_bad is true but some ranks are not null"),
        (line(all_bad=1), "all_bad must be true or false, not a whole number"),
        (line(strength=4), "strength must be 1, 2 or 3, not 4"),
        (line(strength=True), "strength must be 1, 2 or 3, not true or false"),
        (line(strength=2.0), "strength must be 1, 2 or 3, not 2.0"),
        (line(strength=1, ranks=[1, 1]), "strength is given but neither item is ahead"),
        (line(strength=1, ranks=[None, None]), "strength is given but neither item is ahead"),
        (line(strength=1, items=["a", "b", "c"], ranks=[1, 2, 3]), "strength is for pairs, this ballot has 3 items"),
        (line(weight=0), "weight must lie between 1e-06 and 1e+09, not 0"),
        (line(weight=-1.5), "weight must lie between 1e-06 and 1e+09, not -1.5"),
        (line(weight="1"), "weight must be a number, not a string"),
        (line(weight=True), "weight must be a number, not true or false"),
        (line(weight=10**400), "weight must lie between"),
        ('{"items": ["a", "b"], "ranks": [1, 2], "weight": NaN}', "NaN is not a number JSON knows"),
        ('{"items": ["a", "b"], "ranks": [1, 2], "weight": 1e999}', "weight must lie between 1e-06 and 1e+09, not inf"),
        ('{"items": ["a", "b"], "ranks": [1, 2], "ranks": [2, 1]}', "key 'ranks' appears twice in one object"),
        (line(at="yesterday"), "at must be a time like 2026-01-31T09:00:00Z, not 'yesterday'"),
        (line(at="0001-01-01T00:00:00+14:00"), "at must be a time"),
        (line(at=5), "at must be a time like 2026-01-31T09:00:00Z, not a whole number"),
        (line(voter=5), "voter must be a string, not a whole number"),
        (line(id=""), "id is empty"),
        (line(categories="people"), "categories must be a list of strings, not a string"),
        (line(weight=1e-300), "weight must lie between 1e-06 and 1e+09, not 1e-300"),
        (line(items=[str(n) for n in range(2_001)], ranks=[1] * 2_001), "at most 2000 items, this one has 2001"),
        ('{"items": ["a", "b"], "ranks": [1, ' + "9" * 5000 + "]}", "it holds a number of thousands of digits"),
        ("{" + ", ".join(f'"k{n}": 1' for n in range(50_000)) + ', "k49999": 2}', "key 'k49999' appears twice"),
        ("[" * 100_000, "nested too deeply"),
        (b'{"items": ["\xff", "b"], "ranks": [1, 2]}', "not UTF-8 text (byte 13 of the line)"),
    ],
)  # fmt: skip
def test_a_bad_line_is_refused_with_its_reason(text, reason) -> None:
    with pytest.raises(BallotError) as caught:
        parse_line(text)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_item_is_refused_when_the_known_ones_are_given() -> None:
    assert parse_line(line(), known_items={"a", "b"}).items == ("a", "b")
    with pytest.raises(BallotError, match=r"^unknown item 'b'$"):
        parse_line(line(), known_items={"a"})


def test_a_hostile_name_stays_on_one_short_line() -> None:
    with pytest.raises(BallotError) as caught:
        parse_line(line(items=["a", "x\n\x1b[31m" + "y" * 500]), known_items=["a"])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("text", "oddity"),
    [
        (line(mood="good"), "unknown key 'mood' is ignored"),
        (line(ranks=[None, None]), "a ballot with no rank says nothing and counts for nothing"),
        (line(ranks=[1, 3]), "ranks skip a position; only their order is used"),
        (line(ranks=[2, None]), "ranks skip a position; only their order is used"),
        (line(ranks=[None, -2]), "ranks skip a position; only their order is used"),
        (line(at="2026-01-31T09:00:00"), "at has no time zone and is read as UTC"),
    ],
)
def test_what_is_odd_but_usable_is_said(text, oddity) -> None:
    assert parse_line_with_oddities(text)[1] == (oddity,)


@pytest.mark.parametrize("ranks", [[1, 2, 2, 3], [1, 2, 2, 4], [1, 1, 1, 1], [1, None, None, -1], [-2, -1, 1, None]])
def test_ranks_with_ties_and_from_the_bottom_are_not_odd(ranks) -> None:
    assert parse_line_with_oddities(line(items=["a", "b", "c", "d"], ranks=ranks))[1] == ()


def test_all_bad_needs_no_rank() -> None:
    record, oddities = parse_line_with_oddities(line(all_bad=True, ranks=[None, None]))
    assert record.all_bad
    assert not record.informative
    assert oddities == ()


def test_every_bad_line_is_collected_and_every_good_one_read() -> None:
    text = "\n".join([line(id="1"), "{", "", line(id="2", ranks=[0, 1]), line(id="3")]) + "\n"
    reader = BallotReader(io.BytesIO(text.encode()))
    assert [ballot.id for ballot in reader] == ["1", "3"]
    assert [(problem.line, problem.reason[:16]) for problem in reader.problems] == [
        (2, "not valid JSON: "),
        (4, "ranks[0] is 0; t"),
    ]
    assert str(reader.problems[1]).startswith("line 4: ranks[0] is 0")


def test_an_id_used_twice_is_the_same_ballot_or_a_mistake() -> None:
    bottom = {"items": ["a", "b", "c"], "ranks": [1, None, -1]}
    lower = {**bottom, "ranks": [1, None, -2]}  # hash(-1) == hash(-2) in Python
    found = read_ballots([line(id="x"), line(id="x"), line(id="x"), line(id="y", **bottom), line(id="y", **lower)])
    assert [ballot.id for ballot in found.ballots] == ["x", "y"]
    assert [str(problem) for problem in found.problems] == ["line 5: id 'y' was used before by a different ballot"]
    assert "the same ballot again (same id, same content) is counted once (line 2 and 1 more)" in [
        str(oddity) for oddity in found.oddities
    ]


def test_ballots_without_an_id_may_be_equal() -> None:
    assert len(read_ballots([line(), line()]).ballots) == 2


def test_a_line_of_any_length_is_refused_without_being_held() -> None:
    class Endless(io.RawIOBase):
        """A gigabyte on one line, then a ballot; hands out what is asked for and counts it."""

        left, largest = 1 << 30, 0

        def readline(self, limit: int | None = -1, /) -> bytes:
            assert limit is not None
            assert limit > 0
            if self.left > 0:
                self.left -= limit
                self.largest = max(self.largest, limit)
                return b"x" * (limit - 1) + (b"\n" if self.left <= 0 else b"x")
            tail, self.tail = self.tail, b""
            return tail

        tail = line(id="after").encode() + b"\n"

    source = Endless()
    found = read_ballots(source)
    assert [str(problem) for problem in found.problems] == ["line 1: the line is longer than 1048576 bytes"]
    assert [ballot.id for ballot in found.ballots] == ["after"]
    assert source.largest <= MAX_LINE_BYTES + 1


def test_a_windows_file_is_read() -> None:
    source = io.BytesIO(b"\xef\xbb\xbf" + line(id="1").encode() + b"\r\n" + line(id="2").encode())
    assert [ballot.id for ballot in BallotReader(source)] == ["1", "2"]


def test_a_time_is_kept_in_utc() -> None:
    record = parse_line(line(at="2026-01-31T09:00:00+02:00"))
    assert record.at == datetime(2026, 1, 31, 7, tzinfo=UTC)
    assert '"at": "2026-01-31T07:00:00Z"' in to_line(record)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=8).filter(
    lambda text: not text.isspace()
)


def test_a_file_full_of_unknown_keys_is_summed_up() -> None:
    found = read_ballots([line(**{f"key {n}": 1}) for n in range(1_000)])
    assert len(found.ballots) == 1_000
    assert len(found.oddities) == 101
    assert str(found.oddities[-1]) == "something else is odd, and not listed (line 101 and 899 more)"


@st.composite
def records(draw: st.DrawFn) -> BallotRecord:
    items = draw(st.lists(TEXT, min_size=2, max_size=6, unique=True))
    all_bad = draw(st.booleans())
    rank = st.none() if all_bad else st.none() | st.integers(-9, 9).filter(bool)
    return BallotRecord(
        items=tuple(items),
        ranks=tuple(draw(st.lists(rank, min_size=len(items), max_size=len(items)))),
        id=draw(st.none() | TEXT),
        voter=draw(st.none() | TEXT),
        voter_kind=draw(st.none() | TEXT),
        protocol=draw(st.none() | TEXT),
        prompt=draw(st.none() | TEXT),
        all_bad=all_bad,
        categories=tuple(draw(st.lists(TEXT, max_size=3))),
        weight=draw(st.floats(1e-6, 1e6)),
        at=draw(
            st.none()
            | st.datetimes(
                min_value=datetime(1970, 1, 1),  # noqa: DTZ001
                timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))]),
            )
        ),
    )


@given(records())
def test_what_is_written_is_read_back(record) -> None:
    assert parse_line(to_line(record)) == record
    assert to_line(parse_line(to_line(record))) == to_line(record)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_ballot_or_a_problem(data) -> None:
    found = read_ballots(io.BytesIO(data))
    assert len(found.ballots) + len(found.problems) <= data.count(b"\n") + 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ),
    st.sampled_from(["items", "ranks", "all_bad", "weight", "strength", "categories", "at", "voter"]),
)
def test_any_json_value_under_any_key_is_read_or_refused(value, key) -> None:
    found = read_ballots([line(**{key: value})])
    assert len(found.ballots) + len(found.problems) == 1
    assert all("\n" not in problem.reason for problem in found.problems)
