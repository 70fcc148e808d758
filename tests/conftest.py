"""What every test may use. Tests run on real PostgreSQL: the embedded one, or the server named by DATABASE_URL."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core import signing
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from arena.matchmaking.keeping import forget as forget_what_is_known
from arena.models import Arena, Contestant, ContestantRevision, Prompt, User
from tests.clock import Clock

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("PODIUM_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))


@pytest.fixture
def shared_data() -> Path:
    """Real human votes, which are not part of the project."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no vote data at {SHARED_DATA} (PODIUM_SHARED_DATA names another place)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests undo what they write, so a vacuum between two of them finds every table empty: the planner would believe it
    of the next one too, and read whole tables for each row of others.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            name = connection.ops.quote_name(table)
            cursor.execute(f"ALTER TABLE {name} SET (autovacuum_enabled = false)")


@pytest.fixture(autouse=True)
def _nothing_left_over(tmp_path: Path, settings: Any) -> Iterator[None]:
    """Each test has media of its own and an empty cache, and passwords are hashed quickly."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.MATCHMAKING_SECONDS = 0  # a test sees at once what it has changed
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    forget_what_is_known()
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Lets a test go forward in time, for the database's rows and for signatures alike."""
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock.now)
    monkeypatch.setattr(signing, "time", clock)
    return clock


@pytest.fixture
def var() -> Iterator[Path]:
    """A data folder for a Podium of its own.

    Not below pytest's tmp_path: as root, PostgreSQL runs as another user, who needs a way in, and every pytest that
    starts closes the way to tmp_path again.
    """
    with tempfile.TemporaryDirectory(prefix="podium-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def superuser(db: None) -> Client:
    """The browser of an operator, signed in."""
    client = Client()
    client.force_login(User.objects.create_superuser("grace"))
    return client


@pytest.fixture
def arena(db: None) -> Arena:
    return Arena.objects.create(slug="prints", name="Prints", modality="image", description="Which print is best?")


@pytest.fixture
def prompts(arena: Arena) -> list[Prompt]:
    texts = ["a quiet harbour", "a storm over wheat", "a fox in snow"]
    return [
        Prompt.objects.create(arena=arena, external_id=f"p{number}", text=text, categories=[f"nature/{number}"])
        for number, text in enumerate(texts)
    ]


@pytest.fixture
def contestants(arena: Arena) -> list[Contestant]:
    """Six contestants, whose names occur nowhere but in them."""
    names = ["Zephyrine", "Quorndon", "Ultravox", "Malachite", "Periwinkle", "Thunderbolt"]
    made = [Contestant.objects.create(arena=arena, name=name, description=f"{name} paints") for name in names]
    for contestant in made:
        ContestantRevision.objects.create(contestant=contestant, number=1, backend="painter", settings={})
    return made


@pytest.fixture
def ready_arena(
    arena: Arena, prompts: list[Prompt], contestants: list[Contestant], paint: Callable[..., None]
) -> Arena:
    """An arena in which every contestant has a picture for every prompt."""
    from arena.generation.actions import plan_candidates

    plan_candidates(arena)
    paint(arena)
    return arena


@pytest.fixture
def paint() -> Callable[..., None]:
    """Finish all queued candidates of an arena with small real pictures, through the queue's own actions."""
    import io

    from PIL import Image

    from arena.generation.actions import claim_batch, finish_candidate
    from arena.generation.backends.protocol import Measured, Media, Result

    def paint_all(arena: Arena) -> None:
        while (claim := claim_batch(most=50)) is not None:
            for candidate in claim.candidates:
                file = io.BytesIO()
                Image.new("RGB", (16, 16), (candidate.pk * 37 % 256, 90, 120)).save(file, "WEBP", lossless=True)
                result = Result(
                    measured=Measured(latency_ms=3.0),
                    device="cpu",
                    media=Media(file.getvalue(), "image/webp"),
                    width=16,
                    height=16,
                )
                assert finish_candidate(candidate=candidate, lease=claim.lease, result=result)

    return paint_all


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The engines and charts know no database: their tests are marked by where they stand."""
    pure = ("tests/ranking/engines/", "tests/ranking/charts/", "tests/arena/generation/backends/", "tests/docs/")
    for item in items:
        if item.path.relative_to(REPOSITORY).as_posix().startswith(pure):
            item.add_marker(pytest.mark.pure)
        if item.get_closest_marker("embedded") and os.environ.get("DATABASE_URL"):
            item.add_marker(pytest.mark.skip(reason="about the embedded database, and DATABASE_URL names another"))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failure, unless what is missing is a GPU."""
    if not os.environ.get("PODIUM_NOTHING_SKIPPED"):
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = [] if reporter is None else reporter.stats.get("skipped", [])
    reasons = [str(report.longrepr[-1]) for report in skipped if isinstance(report.longrepr, tuple)]
    unexpected = [reason for reason in reasons if "GPU" not in reason and "CUDA" not in reason]
    if unexpected and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\n{len(unexpected)} tests were skipped though nothing may be: {sorted(set(unexpected))}")
