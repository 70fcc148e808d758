"""What the pages have to show besides the demo: rooms that are empty, busy or closed, and words that are too long.

Run inside the server's database by `manage.py shell`, when the demo has painted its first battle.
"""

PASSWORD = "a heron in the reeds"
LONG_NAME = "an-organisation/a-contestant-whose-name-was-made-of-everything-it-was-trained-on-" + "x" * 100
LONG_MAIL = "somebody.whose.mail.address.is.longer.than.most.screens.are.wide@mail.example.org"
MARKDOWN = """Twelve lines, then code:

- first, with `inline code` in it
- second

```
def a_function_with_a_long_name(and_an_argument, and_another_argument, and_one_more_argument_at_the_end_of_it):
```

| a | b |
|---|---|
| 1 | 2 |

"""

ROOMS = f"""
from datetime import timedelta
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.utils import timezone
from arena.generation.models import GenerationHost
from arena.models import Arena, Candidate, Contestant, ContestantRevision, Prompt, Review, User

painted = list(Candidate.objects.filter(state="ready").exclude(media="")[:4])

def fill(arena, contestants, prompts, **candidate):
    revisions = []
    for number in range(contestants):
        name = "{LONG_NAME}" if number == 0 else f"contestant {{number}}"
        contestant = Contestant.objects.create(arena=arena, name=name, description=name)
        revisions.append(ContestantRevision.objects.create(contestant=contestant, number=1, backend="painter"))
    for number in range(prompts):
        text = "What is the longest " + "donaudampfschiff" * 8 + "? " + "Explain it at length. " * 5
        prompt = Prompt.objects.create(arena=arena, external_id=f"p{{number}}", text=text)
        for revision in revisions:
            made = dict(candidate)
            if "media" in made:
                one = painted[(number + revision.pk) % len(painted)]
                made |= dict(media=one.media.name, media_type=one.media_type, width=one.width, height=one.height)
            Candidate.objects.create(revision=revision, prompt=prompt, seed=1, finished_at=timezone.now(), **made)

Arena.objects.create(slug="nothing", name="Nothing", modality="image", description="An arena without outputs")
Arena.objects.create(slug="private", name="Private", modality="image", visibility="private")
Arena.objects.create(slug="members", name="Members", modality="image", anonymous_voting=False)
Arena.objects.create(slug="closed", name="Closed", modality="image", is_open=False)
fill(
    Arena.objects.create(slug="queue", name="Queue", modality="image", description="Everybody is at work"), 4, 2,
    state="claimed", lease="00000000-0000-4000-8000-000000000001", lease_until=timezone.now() + timedelta(hours=9),
)
fill(Arena.objects.create(slug="texts", name="Texts"), 4, 30, state="ready", text='''{MARKDOWN}''')
for size in (2, 3, 8):
    room = Arena.objects.create(slug=f"of-{{size}}", name=f"Of {{size}}", modality="image", battle_size=size)
    fill(room, size, 30, state="ready", media=True)

asked = dict(
    further_protocols=["k-rank", "best-of-k", "best-worst", "pick-many", "pair", "graded-pair"],
    aspects=["faithful to the prompt, and to the person who wrote it"[:24], "w" * 60], asks_confidence=True,
    reasons=["composition", "light", "r" * 60], takes_comments=True,
)
fill(Arena.objects.create(slug="ways", name="Ways", modality="image", **asked), 4, 60, state="ready", media=True)
fill(Arena.objects.create(slug="ways-of-texts", name="Texts", **asked), 4, 60, state="ready", text='''{MARKDOWN}''')

def live(slug, backend, size=2, **options):
    room = Arena.objects.create(slug=slug, name=slug.title(), battle_size=size, live_prompts=True, **options)
    for number in range(size):
        contestant = Contestant.objects.create(arena=room, name=f"speaker {{number}}")
        settings = dict(base_url="http://nowhere.invalid/v1", model="none", retries=0)
        ContestantRevision.objects.create(contestant=contestant, number=1, backend=backend, settings=settings)
    return room

live("edits", "painter", modality="image-edit")
quiet = live("speechless", "openai-compatible")
Review.objects.create(arena=quiet, prompt_text="Say drat", refused=True, moderator="word list", reason="'drat'")

fill(
    Arena.objects.create(slug="failures", name="Failures", modality="image", visibility="private"), 3, 2,
    state="failed", failure="{LONG_NAME} has no revision main",
)
GenerationHost.objects.create(host="{LONG_MAIL.replace("@", ".")}", is_private=True)

ada = User.objects.create_user("ada", email="ada@example.org", password="{PASSWORD}")
EmailAddress.objects.create(user=ada, email="ada@example.org", verified=True, primary=True)
EmailAddress.objects.create(user=ada, email="{LONG_MAIL}")
"""
