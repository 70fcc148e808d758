"""What voters add to a ballot: kept beside it, with it, and only where the arena asks."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import InternalError, transaction
from django.db.utils import IntegrityError

from arena.ballots.models import AspectRanks, Ballot, Remark
from arena.ballots.remarks import ranks_of_best
from arena.catalogue.models import Arena
from tests.visitor import Visitor

ASKED: dict[str, Any] = {
    "aspects": ["faithful", "well made"],
    "asks_confidence": True,
    "reasons": ["light", "line"],
    "takes_comments": True,
}


@pytest.fixture
def asking(ready_arena: Arena) -> Arena:
    Arena.objects.update(**ASKED)
    return Arena.objects.get()


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def submit(visitor: Visitor, arena: Arena, **said: Any) -> Any:
    page = visitor.open(arena)
    hidden = {name: page.fields[name] for name in ("token", "protocol", "slots")}
    ranks = {"rank_a": "1", "rank_b": "2", "rank_c": "", "rank_d": ""}
    return visitor.client.post(f"/arenas/{arena.slug}/ballots/", hidden | ranks | said)


def test_an_arena_that_asks_nothing_more_shows_nothing_more(ready_arena: Arena, visitor: Visitor) -> None:
    assert 'class="remarks"' not in visitor.open(ready_arena).html


def test_everything_said_is_kept_with_the_ballot(asking: Arena, visitor: Visitor) -> None:
    html = visitor.open(asking).html
    assert html.count('name="aspect_') == 8
    response = submit(
        visitor,
        asking,
        aspect_a=["faithful", "well made"],
        aspect_c="faithful",
        confidence="2",
        tag=["light", "line", "light"],
        comment=" the sky\x00 glows ",
    )

    assert response.status_code == 303, response.content.decode()
    ballot = Ballot.objects.get()
    assert {each.aspect: each.ranks for each in ballot.aspects.all()} == {
        "faithful": [1, None, 1, None],
        "well made": [1, None, None, None],
    }
    remark = ballot.remark
    assert (remark.confidence, remark.reasons, remark.comment) == (2, ["light", "line"], "the sky glows")


def test_nothing_said_writes_nothing(asking: Arena, visitor: Visitor) -> None:
    assert submit(visitor, asking, comment="  ").status_code == 303

    assert Ballot.objects.count() == 1
    assert not Remark.objects.exists()
    assert not AspectRanks.objects.exists()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"aspect_a": "beauty"}, "does not ask about 'beauty' any more"),
        ({"aspect_f": "faithful"}, "must be one of the 4 candidates"),
        ({"confidence": "4"}, "is not 1, 2 or 3"),
        ({"confidence": "sure"}, "is not 1, 2 or 3"),
        ({"tag": "smell"}, "does not offer the reason 'smell' any more"),
        ({"comment": "x" * 501}, "has 501 characters; 500 are allowed"),
    ],
)
def test_what_is_not_asked_is_refused_and_the_ballot_waits(
    asking: Arena, visitor: Visitor, said: Any, words: str
) -> None:
    response = submit(visitor, asking, **said)

    assert response.status_code == 400
    assert words in response.content.decode().replace("&#x27;", "'")
    assert not Ballot.objects.exists()
    assert submit(visitor, asking).status_code == 303


def test_sent_again_nothing_is_added(asking: Arena, visitor: Visitor) -> None:
    page = visitor.open(asking)
    form = page.fields | {"verdict": "ranked", "rank_a": "1", "comment": "first"}
    form = {name: value for name, value in form.items() if not name.startswith("aspect_")}
    for comment in ("first", "second"):
        visitor.client.post(f"/arenas/{asking.slug}/ballots/", form | {"comment": comment, "tag": [], "confidence": ""})

    assert [remark.comment for remark in Remark.objects.all()] == ["first"]


def test_all_bad_takes_remarks_too(asking: Arena, visitor: Visitor) -> None:
    assert submit(visitor, asking, verdict="all_bad", comment="smudges", tag="line").status_code == 303

    assert Ballot.objects.get().remark.comment == "smudges"


@pytest.mark.parametrize(
    ("best", "slots", "ranks"),
    [([0], 2, (1, 2)), ([0, 1], 2, (1, 1)), ([2], 4, (None, None, 1, None)), ([0, 3], 4, (1, None, None, 1))],
)
def test_of_two_the_other_one_is_second(best: list[int], slots: int, ranks: Any) -> None:
    assert ranks_of_best(best, slots) == ranks


def test_what_was_said_of_an_aspect_is_never_changed(asking: Arena, visitor: Visitor) -> None:
    submit(visitor, asking, aspect_b="faithful")

    with pytest.raises((InternalError, IntegrityError), match="append-only"), transaction.atomic():
        AspectRanks.objects.update(ranks=[None, None, None, 1])


def test_a_comment_is_shown_as_text_to_staff_alone(asking: Arena, visitor: Visitor, superuser: Any) -> None:
    response = submit(visitor, asking, comment="<script>alert(1)</script>")
    ballot = Ballot.objects.get()

    assert "alert(1)" not in visitor.client.get(response["Location"]).content.decode()
    page = superuser.get(f"/admin/arena/ballot/{ballot.pk}/change/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


def test_the_vote_page_costs_no_further_query(
    asking: Arena, visitor: Visitor, django_assert_max_num_queries: Any
) -> None:
    visitor.open(asking)
    with django_assert_max_num_queries(8):
        visitor.open(asking)
