"""What moderation refuses is neither asked nor shown, and staff can see it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.cache import cache

from arena.battles.models import Battle, BattleState
from arena.catalogue.models import Arena
from arena.generation.backends.protocol import Media
from arena.generation.models import Candidate, CandidateState
from arena.live import moderation, tasks
from arena.live.classifiers import ByClassifier
from arena.live.models import Review
from arena.live.moderation import PASSED, Verdict, WordList, checked, word_list, words_can_be_read
from arena.live.streaming import Scribe, texts_of
from arena.models import User
from arena.prompts.models import Prompt
from tests.arena.live import chatty
from tests.arena.live.asker import PROMPT, Asker
from tests.clock import Clock

Work = Callable[[], int]
Behave = Callable[..., None]


@pytest.fixture
def words(settings: Any, tmp_path: Path) -> Path:
    path = tmp_path / "words"
    path.write_text("# not these\ndrat\nThunder and  Lightning\nStraße\n", encoding="utf-8")
    settings.MODERATION_WORDS = str(path)
    return path


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("Drat!", True),
        ("oh DRAT, it rains", True),
        ("hydrate and dratted", False),
        ("thunder\nand lightning", True),
        ("thunder or lightning", False),
        ("eine STRASSE", True),
        ("not these", False),
        ("", False),
    ],
)
def test_words_are_found_whole_in_any_case(words: Path, text: str, refused: bool) -> None:
    assert word_list().check(text).refused == refused


@pytest.mark.parametrize(
    "text",
    [
        "dr\u200bat",
        "d\u00adra\u2060t",
        "\ufeffdr\ufe0fa\u034ft",
        "\uff24\uff32\uff21\uff34",
        "_drat_",
        "__drat__",
        "**drat**",
        "snake_drat_case",
        "oh,drat!",
        "thunder_and-lightning",
        "thunder\u200b **and** lightning",
        "stra\u00dfe",
        "\u017ftra\u1e9ee",
    ],
)
def test_words_are_found_however_they_are_written(words: Path, text: str) -> None:
    assert word_list().check(text).refused


@pytest.mark.parametrize(
    "text",
    ["hydrate", "dratted", "\uff48\uff59drat\uff45", "hy\u200bdrat", "drat2", "drat\u00e9", "thunderandlightning"],
)
def test_longer_words_are_not_taken_for_listed_ones(words: Path, text: str) -> None:
    assert not word_list().check(text).refused


def test_accents_of_their_own_are_those_of_the_letter() -> None:
    listed = WordList(["caf\u00e9"])
    assert listed.check("cafe\u0301").refused
    assert not listed.check("cafe").refused


class TestAGrowingText:
    def test_is_looked_at_where_it_is_new(self, words: Path) -> None:
        text = "quiet " * 500
        assert word_list().check_on(text + "drat it", len(text)).refused
        assert not word_list().check_on("drat " + text, len(text)).refused, "that was seen before"

    def test_finds_phrases_that_began_before(self, words: Path) -> None:
        text = "quiet " * 500 + "thunder and "
        assert word_list().check_on(text + "lightning", len(text)).refused

    @pytest.mark.parametrize("before", range(996, 1004))
    def test_takes_no_part_of_a_word_for_a_word(self, words: Path, before: int) -> None:
        text = "hydrat " + "." * 996
        assert not word_list().check_on(text + "quiet", before).refused


def test_the_verdict_says_who_and_why(words: Path) -> None:
    assert word_list().check("well, drat") == Verdict(True, "word list", "contains 'drat'")


def test_a_changed_list_counts_at_once(words: Path) -> None:
    assert not word_list().check("bother").refused
    words.write_text("bother\n")
    assert word_list().check("bother").refused
    assert not word_list().check("drat").refused


def test_without_a_list_nothing_is_refused(settings: Any) -> None:
    assert word_list().check("drat") == PASSED
    assert WordList([]).check("anything") == PASSED


def test_a_classifier_refuses_its_labels_from_a_score_on() -> None:
    scores = {"mild": [("Toxic", 0.49), ("other", 0.9)], "harsh": [("other", 0.2), ("TOXIC", 0.5)]}
    moderator = ByClassifier("a model", scores.__getitem__, str, ["toxic"], 0.5)

    assert moderator.check("mild") == PASSED
    assert moderator.check("harsh") == Verdict(True, "a model", "TOXIC 0.50")
    assert moderator.check(Media(b"", "image/png")) == PASSED, "a picture is for the other one"


def test_a_classifier_of_pictures_lets_sounds_and_videos_pass() -> None:
    looked: list[Media] = []

    def classify(subject: Media) -> list[tuple[str, float]]:
        looked.append(subject)
        return [("nsfw", 1.0)]

    moderator = ByClassifier("a model", classify, Media, ["nsfw"], 0.5)

    assert moderator.check(Media(b"fLaC", "audio/flac")) == PASSED
    assert moderator.check(Media(b"webm", "video/webm")) == PASSED
    assert moderator.check(Media(b"RIFF", "image/webp")).refused
    assert [subject.media_type for subject in looked] == ["image/webp"]


def test_of_a_video_the_picture_that_stands_for_it_is_looked_at(arena: Arena, prompts: list[Prompt]) -> None:
    from django.core.files.base import ContentFile

    from arena.live.actions import _seen

    candidate = Candidate(media_type="video/webm")
    candidate.media.save("a.webm", ContentFile(b"webm"), save=False)
    candidate.thumbnail.save("a.webp", ContentFile(b"a picture"), save=False)

    assert _seen(candidate) == Media(b"a picture", "image/webp")
    candidate.media_type = "audio/flac"
    assert _seen(candidate) == Media(b"webm", "audio/flac")


def test_the_first_refusal_counts() -> None:
    assert checked("drat", [WordList(["bother"]), WordList(["drat"]), WordList([])]).reason == "contains 'drat'"


@pytest.mark.usefixtures("committed")
class TestPrompts:
    def test_with_a_word_of_the_list_are_not_asked(
        self, live_arena: Arena, asker: Asker, words: Path, pumps: list[int]
    ) -> None:
        response = asker.ask(live_arena, "Say drat twice")
        html = response.content.decode()

        assert response.status_code == 422
        assert "moderation refused the prompt" in html
        assert ">Say drat twice</textarea>" in html
        assert "word list" not in html, "which words they are is nobody's business"
        assert not Prompt.objects.exists()
        assert pumps == []
        review = Review.objects.get()
        assert (review.prompt_text, review.refused, review.reason) == ("Say drat twice", True, "contains 'drat'")


@pytest.mark.usefixtures("committed")
class TestAnswers:
    def test_with_a_word_of_the_list_are_withdrawn_and_replaced(
        self, live_arena: Arena, asker: Asker, work: Work, behave: Behave, words: Path
    ) -> None:
        battle = asker.battle(live_arena)
        bad = battle.slots.all()[0].candidate
        behave(bad.revision.contestant.name, says="well drat it all")
        work()

        bad.refresh_from_db()
        assert bad.state == CandidateState.WITHDRAWN
        assert (bad.review.refused, bad.review.reason) == (True, "contains 'drat'")
        after = Battle.objects.get(pk=battle.pk)
        assert (after.state, after.replacements) == (BattleState.OPEN, 1)
        assert bad not in [slot.candidate for slot in after.slots.all()]
        assert "drat" not in asker.open(live_arena).html

    def test_do_not_stream_what_is_refused(
        self, live_arena: Arena, asker: Asker, work: Work, behave: Behave, words: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("arena.live.streaming.EVERY", 0.0)
        battle = asker.battle(live_arena)
        bad = battle.slots.all()[0].candidate
        behave(bad.revision.contestant.name, says="well drat it all")
        work()

        assert texts_of([bad.pk]) == {bad.pk: "well "}

    def test_stream_on_when_a_word_goes_on(self, words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("arena.live.streaming.EVERY", 0.0)
        scribe, answer = Scribe(), SimpleNamespace(pk=1, lease=None)
        shown = []
        for piece in ("The ", "drat", "ted ", "rain"):
            scribe.write(answer, piece)
            shown.append(texts_of([1])[1])
        assert shown == ["The ", "The ", "The dratted ", "The dratted rain"]

    def test_that_pass_are_noted(self, live_arena: Arena, asker: Asker, work: Work) -> None:
        asker.battle(live_arena)
        work()
        assert list(Review.objects.values_list("refused", flat=True)) == [False] * 3


class Suspicious:
    """Stands for a model: refuses what it is told to, and keeps what it was asked about."""

    def __init__(self) -> None:
        self.seen: list[str | Media] = []
        self.refuses: tuple[str, ...] = ()

    def check(self, subject: str | Media) -> Verdict:
        self.seen.append(subject)
        bad = isinstance(subject, str) and any(word in subject for word in self.refuses)
        return Verdict(True, "a model", "toxic 0.97") if bad else PASSED


@pytest.fixture
def model(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Suspicious:
    """A classifier is configured."""
    suspicious = Suspicious()
    settings.MODERATION_CLASSIFIER = "somebody/a-model"
    monkeypatch.setattr(moderation, "_classifiers", lambda: [suspicious])
    return suspicious


class Moderators:
    """The queue of moderation with its worker, which begins when the test says so."""

    def __init__(self) -> None:
        self.reviews: list[int] = []
        self.looks: list[tuple[int, str, str, int]] = []

    def review(self) -> None:
        while self.reviews:
            tasks.review(self.reviews.pop(0))

    def read(self) -> None:
        while self.looks:
            tasks.read_on(*self.looks.pop(0))


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Moderators:
    moderators = Moderators()
    monkeypatch.setattr(tasks.review, "delay", moderators.reviews.append)
    monkeypatch.setattr(tasks.read_on, "delay", lambda *look: moderators.looks.append(look))
    return moderators


@pytest.mark.usefixtures("committed")
class TestAModel:
    def test_is_asked_by_its_worker_and_by_nobody_else(
        self, live_arena: Arena, asker: Asker, work: Work, model: Suspicious, queue: Moderators
    ) -> None:
        battle = asker.battle(live_arena)
        assert (queue.reviews, work()) == ([battle.pk], 0)
        assert model.seen == [], "a web process asks no model"

        queue.review()
        assert model.seen == [PROMPT]
        assert work() == 3
        assert model.seen == [PROMPT], "nor does who makes answers"
        assert Battle.objects.get().state == BattleState.PREPARING

        assert queue.reviews == [battle.pk], "all that are ready together"
        queue.review()
        assert Battle.objects.get().state == BattleState.OPEN
        assert len(model.seen) == 4, "the prompt and each answer"

    def test_refuses_a_prompt_kindly_and_no_contestant_sees_it(
        self, live_arena: Arena, asker: Asker, work: Work, model: Suspicious, queue: Moderators
    ) -> None:
        model.refuses = ("harbour",)
        battle = asker.battle(live_arena)
        queue.review()

        assert work() == 0
        assert chatty.asked == []
        battle.refresh_from_db()
        assert (battle.state, battle.skip_reason) == (BattleState.VOID, "prompt_refused")
        html = asker.look(battle).content.decode()
        assert "moderation refused the prompt" in html
        assert f">{PROMPT}</textarea>" in html
        assert Review.objects.get().prompt_text == PROMPT
        assert not Candidate.objects.exclude(state=CandidateState.WITHDRAWN).exists()

    def test_that_refuses_an_answer_has_it_replaced(
        self, live_arena: Arena, asker: Asker, work: Work, behave: Behave, model: Suspicious, queue: Moderators
    ) -> None:
        model.refuses = ("bother",)
        battle = asker.battle(live_arena)
        behave(battle.slots.all()[0].candidate.revision.contestant.name, says="oh bother it")
        for _ in range(3):
            queue.review()
            work()

        after = Battle.objects.get()
        assert (after.state, after.replacements) == (BattleState.OPEN, 1)
        assert Review.objects.get(refused=True).candidate.text == "oh bother it"

    def test_is_asked_once_however_often_the_task_runs(
        self, live_arena: Arena, asker: Asker, work: Work, model: Suspicious, queue: Moderators
    ) -> None:
        battle = asker.battle(live_arena)
        tasks.review(battle.pk)
        tasks.review(battle.pk)
        assert model.seen == [PROMPT]
        work()
        for _ in range(2):
            tasks.review(battle.pk)
        assert len(model.seen) == 4
        assert Review.objects.count() == 3

    def test_is_not_waited_for_to_replace_who_failed(
        self, live_arena: Arena, asker: Asker, work: Work, behave: Behave, model: Suspicious, queue: Moderators
    ) -> None:
        battle = asker.battle(live_arena)
        queue.review()
        behave(battle.slots.all()[0].candidate.revision.contestant.name, mood="permanent")
        assert work() == 4
        battle.refresh_from_db()
        assert battle.replacements == 1
        assert len(model.seen) == 1


@pytest.mark.usefixtures("committed")
class TestTheWatch:
    def test_asks_for_reviews_and_asks_no_model(
        self, live_arena: Arena, asker: Asker, model: Suspicious, queue: Moderators, clock: Clock
    ) -> None:
        battle = asker.battle(live_arena)
        tasks.see_to_all()
        assert queue.reviews == [battle.pk], "one is on its way already"

        queue.reviews.clear()  # its worker died
        cache.delete(tasks._review_key(battle.pk))  # as the cache does after a while
        tasks.see_to_all()
        assert queue.reviews == [battle.pk]
        assert model.seen == []

    def test_asks_for_none_where_nothing_waits_for_it(
        self, live_arena: Arena, asker: Asker, model: Suspicious, queue: Moderators
    ) -> None:
        asker.battle(live_arena)
        queue.review()
        tasks.see_to_all()
        assert queue.reviews == []

    def test_says_that_nobody_moderates_when_the_time_is_up(
        self, live_arena: Arena, asker: Asker, model: Suspicious, queue: Moderators, clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        battle = asker.battle(live_arena)
        clock.advance(hours=1)
        tasks.see_to_all()

        assert Battle.objects.get().state == BattleState.VOID
        assert f"battle {battle.pk} is void: it was not moderated in time." in caplog.text

    def test_looks_at_once_where_a_list_is_enough(
        self, live_arena: Arena, asker: Asker, work: Work, queue: Moderators, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asker.battle(live_arena)
        monkeypatch.setattr("arena.live.actions.moderate", lambda battle: None)  # the worker died before it
        work()
        assert not Review.objects.exists()
        tasks.see_to_all()
        assert Battle.objects.get().state == BattleState.OPEN
        assert queue.reviews == []


class TestAnAnswerThatIsWritten:
    @pytest.fixture(autouse=True)
    def _each_piece(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("arena.live.streaming.EVERY", 0.0)

    @pytest.fixture
    def write(self) -> Callable[[str], str]:
        """Write some more of it; returns what of it pages can see."""
        scribe, answer = Scribe(), SimpleNamespace(pk=1, lease=None)

        def piece(text: str) -> str:
            scribe.write(answer, text)
            return texts_of([1])[1]

        return piece

    def test_is_shown_as_far_as_a_model_has_passed_it(
        self, write: Callable[[str], str], model: Suspicious, queue: Moderators
    ) -> None:
        assert write("a" * 399) == ""
        assert queue.looks == []
        assert write("b") == ""
        assert model.seen == [], "it is asked elsewhere"
        queue.read()
        assert write("c") == "a" * 399 + "b"

    def test_is_not_shown_once_a_model_refuses_it(
        self, write: Callable[[str], str], model: Suspicious, queue: Moderators
    ) -> None:
        model.refuses = ("drat",)
        write("a" * 400)
        queue.read()
        assert write("drat" * 100) == "a" * 400
        queue.read()
        assert write("b" * 400) == "a" * 400
        queue.read()
        assert write("b" * 400) == "a" * 400

    def test_is_read_where_it_is_new_and_a_little_before(
        self, write: Callable[[str], str], model: Suspicious, queue: Moderators
    ) -> None:
        text = "".join(f"{number} and so on. " for number in range(2000))
        for start in range(0, len(text), 50):
            write(text[start : start + 50])
            queue.read()

        seen = [str(each) for each in model.seen]
        assert max(map(len, seen)) <= 850
        assert sum(map(len, seen)) < 2 * len(text) + 400
        assert all(earlier[-400:] == later[:400] for earlier, later in pairwise(seen)), "nothing is left out between"
        assert text.startswith(seen[0])

    def test_is_looked_at_once_at_a_time_by_a_model_that_is_behind(
        self, write: Callable[[str], str], model: Suspicious, queue: Moderators
    ) -> None:
        for _ in range(50):
            write("quiet " * 100)
        assert len(queue.looks) == 1
        for _ in range(20):
            queue.read()
            shown = write("")
        assert shown == "quiet " * 5000
        assert max(len(str(each)) for each in model.seen) <= 4400

    def test_is_read_by_no_model_for_pictures(
        self, write: Callable[[str], str], settings: Any, queue: Moderators
    ) -> None:
        settings.MODERATION_PICTURES = "somebody/a-model"
        assert write("Once ") == "Once "
        assert queue.looks == []


def test_staff_see_what_was_refused(live_arena: Arena, asker: Asker, words: Path) -> None:
    asker.ask(live_arena, "Say drat twice")
    staff = Asker()
    staff.client.force_login(User.objects.create_superuser("root"))
    listed = staff.client.get("/admin/arena/review/")

    assert listed.status_code == 200
    assert "Say drat twice" in listed.content.decode()
    assert "contains &#x27;drat&#x27;" in listed.content.decode()


@pytest.mark.usefixtures("committed")
class TestAModelThatDoesNotWork:
    @pytest.fixture(autouse=True)
    def _broken(self, model: Suspicious, queue: Moderators, monkeypatch: pytest.MonkeyPatch) -> None:
        def check(subject: str | Media) -> Verdict:
            raise OSError("the model is not there")

        monkeypatch.setattr(model, "check", check)

    def test_lets_nothing_pass_and_the_battle_is_void_in_the_end(
        self, live_arena: Arena, asker: Asker, work: Work, queue: Moderators, clock: Clock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        battle = asker.battle(live_arena)
        queue.review()
        assert "could not be moderated" in caplog.text
        assert work() == 0
        battle.refresh_from_db()
        assert battle.state == BattleState.PREPARING
        clock.advance(hours=1)
        tasks.see_to_all()

        battle.refresh_from_db()
        assert battle.state == BattleState.VOID


def test_a_list_that_cannot_be_read_stops_the_start(settings: Any, tmp_path: Path) -> None:
    settings.MODERATION_WORDS = str(tmp_path / "nowhere")
    assert [message.id for message in words_can_be_read(None)] == ["podium.E001"]
    settings.MODERATION_WORDS = ""
    assert words_can_be_read(None) == []
