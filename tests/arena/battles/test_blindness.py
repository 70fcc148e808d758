"""Blind until voted: everything that reaches a voter's machine before the ballot, searched for hints from outside."""

from __future__ import annotations

import hashlib
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core import signing
from django.db import connection
from django.utils.http import urlsafe_base64_decode
from PIL import Image, PngImagePlugin

from arena.battles.models import Battle, BattleSlot
from arena.catalogue.models import Arena, Contestant, ContestantRevision
from arena.generation.actions import claim_batch, finish_candidate, plan_candidates
from arena.generation.backends.protocol import Measured, Media, Result
from arena.generation.models import Candidate
from arena.prompts.models import Prompt
from tests.visitor import FRAGMENT, Visitor, VotePage

VOTERS = 12
# Headers that say nothing about what is in a file; whatever is added later has to be looked at first.
HARMLESS_MEDIA_HEADERS = {
    *(
        "Content-Type",
        "Content-Length",
        "Accept-Ranges",
        "Cache-Control",
        "Vary",
        "X-Content-Type-Options",
        "X-Frame-Options",
    ),
    *("Referrer-Policy", "Cross-Origin-Opener-Policy", "Content-Security-Policy"),
}


@pytest.fixture(autouse=True)
def _telling_numbers(db: None) -> None:
    """Primary keys that cannot be mistaken for a width or a place when they are found in a page."""
    tables = {"contestant": 8_101_000_001, "contestantrevision": 8_202_000_001, "candidate": 8_303_000_001}
    with connection.cursor() as cursor:
        for table, first in tables.items():
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [f"arena_{table}", first])


@pytest.fixture
def telling_arena(
    arena: Arena, prompts: list[Prompt], contestants: list[Contestant], paint: Callable[..., None]
) -> Arena:
    """An arena whose contestants differ in everything that could be told about them."""
    for number, contestant in enumerate(contestants):
        Contestant.objects.filter(pk=contestant.pk).update(
            organisation=f"{contestant.name} Works",
            licence=f"LicenceRef-{contestant.name}",
            link="https://maker.example",
        )
        ContestantRevision.objects.filter(contestant=contestant).update(
            backend=["clockwork", "loomshed"][number % 2],
            settings={"palette": f"verdigris-{number}", "hand": 918_273 + number},
            note=f"tuned for {contestant.name}",
        )
    plan_candidates(arena)
    paint(arena)
    Candidate.objects.update(device="Quantum Abacus", library_versions={"pigment": "7.7.7"}, latency_ms=98_765.4)
    return arena


def secrets_of(arena: Arena) -> set[str]:
    """Everything that would tell one contestant's work from another's, as text."""
    found: set[str] = {"Quantum Abacus", "pigment", "7.7.7", "98765"}
    for contestant in Contestant.objects.filter(arena=arena):
        found |= {contestant.name, contestant.description, contestant.organisation, contestant.licence, contestant.link}
        found |= {str(contestant.pk), str(contestant.public_id), contestant.public_id.hex}
        for revision in contestant.revisions.all():
            found |= {str(revision.pk), revision.backend, revision.note, *map(str, revision.settings.values())}
    for candidate in Candidate.objects.filter(prompt__arena=arena):
        found |= {str(candidate.pk), str(candidate.public_id), candidate.public_id.hex, str(candidate.seed)}
        found |= {f"{candidate.seed:x}", candidate.sha256, candidate.sha256[:12], candidate.media.name}
        found |= {Path(candidate.media.name).stem}
    return {secret.lower() for secret in found if secret}


def whole(response: Any) -> str:
    """A response as it goes over the wire: headers, cookies and body."""
    cookies = [morsel.OutputString() for morsel in response.cookies.values()]
    headers = [f"{name}: {value}" for name, value in response.headers.items()]
    return "\n".join([*headers, *cookies, response.content.decode("latin-1")])


def decoded(text: str) -> Iterator[str]:
    """What somebody curious finds in the signed values of a page: their payloads, unpacked."""
    for word in set(re.findall(r"[\w.+/=:-]{20,}", text)):
        for part in word.split(":"):
            payload = part.lstrip(".")
            with suppress(ValueError):
                raw = urlsafe_base64_decode(payload)
                yield raw.decode("latin-1")
                with suppress(zlib.error):
                    yield zlib.decompress(raw).decode("latin-1")


def assert_blind(sent: str, secrets: set[str]) -> None:
    for text in (sent, *decoded(sent)):
        leaked = sorted(secret for secret in secrets if secret in text.lower())
        assert leaked == []


def test_the_search_would_find_a_leak() -> None:
    """The search itself, on values signed as the pages sign theirs."""
    for leak in ("Zephyrine", signing.dumps(["Zephyrine"]), signing.dumps(["Zephyrine"] * 99, compress=True)):
        with pytest.raises(AssertionError):
            assert_blind(f"<p data-x='{leak}'>", {"zephyrine"})


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_the_vote_page_says_nothing_about_the_contestants(telling_arena: Arena, headers: dict[str, str]) -> None:
    secrets = secrets_of(telling_arena)
    for _ in range(VOTERS):
        page = Visitor().open(telling_arena, **headers)
        assert len(page.media_urls) == 4
        assert_blind(whole(page.response), secrets)


def test_neither_do_the_pictures(telling_arena: Arena) -> None:
    secrets = secrets_of(telling_arena)
    for _ in range(VOTERS):
        visitor = Visitor()
        for url in visitor.open(telling_arena).media_urls:
            response = visitor.client.get(url)
            assert response.status_code == 200
            assert set(response.headers) <= HARMLESS_MEDIA_HEADERS
            assert not response.cookies
            assert_blind(whole(response), secrets)
            assert re.fullmatch(r"/media/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/", url)


def test_nor_the_pages_around_it(telling_arena: Arena) -> None:
    visitor, secrets = Visitor(), secrets_of(telling_arena)
    visitor.open(telling_arena)
    for path in ("/", "/arenas/prints/", "/arenas/prints/supply/"):
        assert_blind(whole(visitor.client.get(path)), secrets)


def test_nor_a_refusal(telling_arena: Arena) -> None:
    visitor, secrets = Visitor(), secrets_of(telling_arena)
    page = visitor.open(telling_arena)
    for wrong in ({"token": "forged"}, {"rank_a": "9"}, {"verdict": "x"}, {"rank_z": "1"}):
        assert_blind(whole(visitor.submit(telling_arena, page, 1, **wrong)), secrets)


def without_what_must_differ(html: str) -> str:
    """Slots differ in their letter, their key and the random address of the picture, and in nothing else."""
    html = re.sub(r"/media/[0-9a-f-]+/", "/media/…/", html)
    html = re.sub(r"\b[A-D]\b|rank_[a-d]", "…", html)
    return re.sub(r'data-key="\d"|<kbd>\d</kbd>', "…", html)


def test_the_slots_of_a_battle_differ_in_nothing_but_letter_and_address(telling_arena: Arena) -> None:
    for _ in range(VOTERS):
        html = Visitor().open(telling_arena).html
        slots = re.findall(r'<li class="slot".*?</li>', html, re.DOTALL)
        assert len(slots) == 4
        assert len({without_what_must_differ(slot) for slot in slots}) == 1


def pages_on_one_prompt(arena: Arena) -> list[VotePage]:
    Prompt.objects.exclude(pk=Prompt.objects.earliest("pk").pk).update(is_active=False)
    return [Visitor().open(arena) for _ in range(VOTERS)]


def test_pages_with_different_contestants_differ_in_nothing_but_random_values(telling_arena: Arena) -> None:
    pages = pages_on_one_prompt(telling_arena)
    blank = set()
    for page in pages:
        html = page.html.replace(page.token, "token").replace(quote(page.token), "token")
        html = html.replace(page.fields["csrfmiddlewaretoken"], "csrf")
        blank.add(without_what_must_differ(html))
    battles = Battle.objects.all()
    sets = {frozenset(battle.slots.values_list("candidate", flat=True)) for battle in battles}

    assert len(sets) > 1
    assert len(blank) == 1


def test_two_battles_show_the_same_candidate_under_different_addresses(telling_arena: Arena) -> None:
    pages = pages_on_one_prompt(telling_arena)
    urls = [url for page in pages for url in page.media_urls]

    assert BattleSlot.objects.values("candidate").distinct().count() <= 6 < len(urls)
    assert len(set(urls)) == len(urls)


def test_pictures_are_served_under_no_other_name(telling_arena: Arena) -> None:
    visitor = Visitor()
    battle = visitor.open(telling_arena).battle
    for candidate in Candidate.objects.filter(slots__battle=battle):
        for name in (candidate.media.name, candidate.public_id, candidate.pk, f"{candidate.public_id}/"):
            assert visitor.client.get(f"/media/{name}", follow=True).status_code == 404


def test_a_candidate_in_no_battle_has_no_address(telling_arena: Arena) -> None:
    assert Candidate.objects.ready().count() == 18
    assert not BattleSlot.objects.exists()


def png_with_everything(name: str) -> bytes:
    """A PNG as some generators write it: the recipe in a text chunk, the maker in EXIF and XMP."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("parameters", f"made by {name}, seed 12345")
    chunks.add_itxt("XML:com.adobe.xmp", f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><a>{name}</a></x:xmpmeta>")
    exif = Image.Exif()
    exif[0x010F] = name
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(file, "PNG", pnginfo=chunks, exif=exif)
    return file.getvalue()


def test_what_a_generator_wrote_into_its_files_does_not_reach_the_voter(
    arena: Arena, prompts: list[Prompt], contestants: list[Contestant]
) -> None:
    plan_candidates(arena)
    while (claim := claim_batch(most=50)) is not None:
        for candidate in claim.candidates:
            name = claim.revision.contestant.name
            media = Media(png_with_everything(name), "image/png")
            result = Result(measured=Measured(latency_ms=1), device="cpu", media=media, width=8, height=8)
            finish_candidate(candidate=candidate, lease=claim.lease, result=result)

    visitor, secrets = Visitor(), secrets_of(arena)
    for url in visitor.open(arena).media_urls:
        content = visitor.client.get(url).content
        picture = Image.open(io.BytesIO(content))
        picture.load()
        assert picture.size == (8, 8)
        assert not picture.getexif()
        assert not any(secret in str(picture.info).lower() for secret in secrets)
        assert not any(secret.encode() in content.lower() for secret in secrets)


def test_the_pictures_themselves_carry_no_metadata(telling_arena: Arena) -> None:
    visitor = Visitor()
    for url in visitor.open(telling_arena).media_urls:
        content = visitor.client.get(url).content
        picture = Image.open(io.BytesIO(content))
        picture.load()
        assert not picture.getexif()
        assert set(picture.info) <= {"loop", "background", "timestamp", "duration"}
        assert hashlib.sha256(content).hexdigest() not in str(picture.info)


class TestATextArena:
    @pytest.fixture
    def text_arena(self, arena: Arena, prompts: list[Prompt], contestants: list[Contestant]) -> Arena:
        Arena.objects.update(modality="text")
        plan_candidates(arena)
        while (claim := claim_batch(most=50)) is not None:
            for candidate in claim.candidates:
                result = Result(measured=Measured(latency_ms=1, tokens=5), device="cpu", text=f"**{candidate.number}**")
                finish_candidate(candidate=candidate, lease=claim.lease, result=result)
        return arena

    def test_shows_the_words_and_no_more(self, text_arena: Arena) -> None:
        secrets = secrets_of(text_arena)
        page = Visitor().open(text_arena)

        assert page.html.count("<strong>0</strong>") == 4
        assert page.media_urls == []
        assert_blind(whole(page.response), secrets)
        slots = re.findall(r'<li class="slot".*?</li>', page.html, re.DOTALL)
        assert len({without_what_must_differ(slot) for slot in slots}) == 1

    def test_a_text_has_no_address_of_its_own(self, text_arena: Arena) -> None:
        visitor = Visitor()
        battle = visitor.open(text_arena).battle
        slot = battle.slots.first()
        assert slot is not None

        assert visitor.client.get(f"/media/{slot.media_token}/").status_code == 404
