from __future__ import annotations

import re

from ranking.charts.interval_words import interval_sentences
from ranking.charts.intervals import interval_plot
from ranking.charts.theme import LIGHT
from tests.ranking.charts.fields import field, parsed, row


def words(*rows, level: float = 0.95) -> str:
    return interval_sentences(rows, level).replace("\u00a0", " ")


def test_it_says_who_leads_by_how_much_and_what_overlaps() -> None:
    assert words(row("A", 1084, 20), row("B", 1053, 22, rank=2), row("C", 900, 10, rank=3)) == (
        "Of 3 contestants, A leads at 1084 ± 20, 31 points ahead of B at 1053 ± 22."
        " The 95 % credible interval of B overlaps the leader's."
    )


def test_it_says_that_nothing_overlaps() -> None:
    assert words(row("A", 1084, 10), row("B", 1053, 10, rank=2)).endswith(
        "No other 95 % credible interval overlaps the leader's."
    )


def test_it_counts_what_it_does_not_name() -> None:
    rows = [row("A", 1084, 20), *(row(name, 1070, 20, rank=2) for name in "BCDEF"), row("G", 900, 5, rank=7)]
    assert words(*rows).endswith("The 95 % credible intervals of B, C, D and 2 more overlap the leader's.")


def test_it_does_not_list_a_field_that_overlaps_as_a_whole() -> None:
    rows = [row("A", 1010, 90), *(row(name, 1000, 90, rank=2) for name in "BCDE")]
    assert words(*rows, level=0.8).endswith("All other 80 % credible intervals overlap the leader's.")


def test_it_names_the_preliminary_ones() -> None:
    rows = [row("A", 1084, 5), row("B", 1000, 5, rank=2, preliminary=True)]
    assert words(*rows).endswith("overlaps the leader's; B is preliminary.")
    assert words(*rows, row("C", 990, 5, rank=3, preliminary=True)).endswith("; B and C are preliminary.")


def test_it_does_not_claim_a_lead_that_is_none() -> None:
    assert "A leads at 1000 ± 20, less than a point from B at 1000 ± 20." in words(
        row("A", 1000.2), row("B", 1000, rank=2)
    )
    assert "A leads at 1001 ± 20, 1 point ahead of B" in words(row("A", 1001), row("B", 1000, rank=2))
    assert "A leads at 990 ± 20, 10 points below B" in words(row("A", 990), row("B", 1000, rank=2))
    assert "A and B share first place, the highest of them at 1004 ± 20." in words(row("A", 1004), row("B", 1000))


def test_a_single_contestant_leads_nobody() -> None:
    assert (
        words(row("A", 1000, 18))
        == "A is the only contestant, at 1000 ± 18; its 95 % credible interval is 982 to 1018."
    )
    assert words(row("A", 1000, 18, preliminary=True)).startswith("A (preliminary) is the only contestant")


def test_names_in_a_sentence_are_short_and_keep_to_themselves() -> None:
    sentence = words(row("x" * 5000), row("מודל", 990, rank=2), row("\u202eevil", 980, rank=3))
    assert len(sentence) < 400
    assert "\u2068מודל\u2069" in sentence
    assert "\u202e" not in sentence


def test_the_picture_carries_the_sentences() -> None:
    chart = interval_plot(field(12), theme=LIGHT, level=0.95)
    assert parsed(chart.svg).get("aria-label") == chart.alt
    assert len(re.findall(r"\.(?= |$)", chart.alt)) == 2
