from __future__ import annotations

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from arena.protocols import ASKED, Protocol, ProtocolChoice, size_of_battle

_ASKED = [(protocol.value, protocol.label) for protocol in ASKED]


class Modality(models.TextChoices):
    TEXT = "text", "text"
    IMAGE = "image", "image"
    IMAGE_EDIT = "image-edit", "image edit"
    VIDEO = "video", "video"
    AUDIO = "audio", "audio"
    THREE_D = "3d", "3D"


class Visibility(models.TextChoices):
    PUBLIC = "public", "public"
    UNLISTED = "unlisted", "unlisted: whoever has the link"
    PRIVATE = "private", "private: staff only"


class PromptChoice(models.TextChoices):
    """Which prompt a battle is about."""

    EVEN = "even", "every prompt equally often"
    LEAST_JUDGED = "least-judged", "least judged: the prompt with the fewest ballots"
    MOST_INFORMATIVE = "most-informative", "most informative: where those stand ready whose order is least known"


class PromptsShown(models.TextChoices):
    ANY = "any", "open and held-out prompts"
    OPEN = "open", "open prompts only"
    HELD_OUT = "held-out", "held-out prompts only"


class GoalKind(models.TextChoices):
    """When an arena knows enough and stops asking."""

    NONE = "", "no goal: voting goes on"
    TOP_KNOWN = "top-known", "the best are known"
    NARROW_INTERVALS = "narrow-intervals", "all intervals are narrow"


class ArenaQuerySet(models.QuerySet["Arena"]):
    def listed(self) -> ArenaQuerySet:
        return self.filter(visibility=Visibility.PUBLIC)

    def visible_to(self, user: Any) -> ArenaQuerySet:
        """Arenas that this person may open: all but private ones, which staff alone sees."""
        if user.is_authenticated and user.is_staff:
            return self
        return self.exclude(visibility=Visibility.PRIVATE)

    def with_counts(self) -> ArenaQuerySet:
        return self.annotate(
            contestant_count=models.Count(
                "contestants", filter=models.Q(contestants__state=ContestantState.ACTIVE), distinct=True
            ),
        )


class Arena(models.Model):
    """One contest: a modality, ballot rules, contestants, prompts, a leaderboard."""

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    modality = models.CharField(max_length=20, choices=Modality, default=Modality.TEXT)
    protocol = models.CharField(
        max_length=40, choices=_ASKED, default=Protocol.K_RANK, help_text="How voters are asked, unless they change it."
    )
    further_protocols = ArrayField(
        models.CharField(max_length=40, choices=_ASKED),
        default=list,
        blank=True,
        help_text="Others that the arena takes ballots by. Ballots of different protocols are told apart for ever.",
    )
    protocol_choice = models.CharField(
        "which of several is decided by", max_length=10, choices=ProtocolChoice, default=ProtocolChoice.VOTER
    )
    graded_steps = models.PositiveSmallIntegerField(
        "steps of a graded pair",
        default=7,
        choices={5: "five: much or slightly better, or a tie", 7: "seven: much, clearly or slightly better, or a tie"},
    )
    battle_size = models.PositiveSmallIntegerField(
        "candidates in a battle",
        default=4,
        validators=[MinValueValidator(2), MaxValueValidator(8)],
        help_text="Pairs have two whatever is said here, best and worst at least three.",
    )
    candidates_per_prompt = models.PositiveSmallIntegerField(
        "candidates of each contestant for each prompt", default=1, validators=[MinValueValidator(1)]
    )
    least_coverage = models.FloatField(
        default=0.25,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="A contestant enters battles when it has outputs for this share of the prompts that the median "
        "contestant has outputs for.",
    )
    preliminary_below = models.PositiveIntegerField(
        default=30, help_text="A contestant with fewer ballots is marked preliminary on the board."
    )
    aspects = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="Who is best in each is asked beside the ballot, such as: faithful to the prompt, well made. "
        "Separated by commas.",
    )
    asks_confidence = models.BooleanField("ask how sure voters are", default=False)
    reasons = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="Voters may tick why they judged so, such as: composition, anatomy, lettering. Separated by commas.",
    )
    takes_comments = models.BooleanField(
        "take comments", default=False, help_text="A line of free text with each ballot, which only staff reads."
    )
    visibility = models.CharField(max_length=10, choices=Visibility, default=Visibility.PUBLIC)
    anonymous_voting = models.BooleanField(default=True)
    is_open = models.BooleanField("open for voting", default=True)
    # Matchmaking: who is shown, on which prompt. `arena.matchmaking.rules` reads and checks it.
    policy = models.CharField(max_length=40, default="misorder", help_text="How contestants are chosen for a battle.")
    policy_parameters = models.JSONField(  # the schema is the policy's own class, see `ranking.engines.matchmaking`
        default=dict, blank=True, help_text='Numbers of the policy by name, such as {"top_weight": 5}.'
    )
    audit_share = models.FloatField(
        default=0.1,
        validators=[MinValueValidator(0.01), MaxValueValidator(1)],
        help_text="Share of battles chosen uniformly, for win rates that believe no model.",
    )
    prompt_choice = models.CharField(max_length=20, choices=PromptChoice, default=PromptChoice.LEAST_JUDGED)
    prompts_shown = models.CharField(max_length=10, choices=PromptsShown, default=PromptsShown.ANY)
    category_quota = models.JSONField(  # category path -> share above 0, at most 1 in all
        default=dict, blank=True, help_text='Shares of battles by category, such as {"people": 0.5, "nature": 0.3}.'
    )
    goal = models.CharField(max_length=20, choices=GoalKind, default=GoalKind.NONE, blank=True)
    goal_top = models.PositiveSmallIntegerField(
        "the best so many", default=5, validators=[MinValueValidator(1)], help_text="Of the goal that they are known."
    )
    goal_confidence = models.FloatField(
        "with probability",
        default=0.95,
        validators=[MinValueValidator(0.5), MaxValueValidator(0.999)],
        help_text="Of the same goal.",
    )
    goal_points = models.FloatField(
        "points from end to end",
        default=30,
        validators=[MinValueValidator(1)],
        help_text="Of the goal that all 95 % intervals are at most this wide.",
    )
    live_prompts = models.BooleanField(
        "voters may ask prompts of their own",
        default=False,
        help_text="Contestants answer while the voter waits. Imported contestants cannot.",
    )
    live_prompt_length = models.PositiveIntegerField(
        "characters in a prompt at most", default=2000, validators=[MinValueValidator(1), MaxValueValidator(100_000)]
    )
    live_prompts_per_hour = models.PositiveSmallIntegerField(
        "prompts of a voter an hour at most", default=20, validators=[MinValueValidator(1)]
    )
    data_licence = models.CharField(
        max_length=80, default="CC-BY-4.0", help_text="The licence under which voters give their ballots (SPDX)."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ArenaQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(battle_size__gte=2, battle_size__lte=8), name="arena_battle_of_two_to_eight"
            ),
            # Without some uniform battles a set could have the probability 0, and no win rate would be unbiased.
            models.CheckConstraint(
                condition=models.Q(audit_share__gt=0, audit_share__lte=1), name="arena_audits_some_battles"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        from django.urls import reverse

        return reverse("arena:show", args=[self.slug])

    @property
    def protocols(self) -> list[str]:
        """Those that voters are asked by, the usual one first."""
        return list(dict.fromkeys([self.protocol, *self.further_protocols]))

    def size_of(self, protocol: str | None = None) -> int:
        """How many candidates a battle of this protocol has; of the usual one if none is named."""
        return size_of_battle(protocol or self.protocol, self.battle_size)

    def clean(self) -> None:
        from arena.matchmaking.rules import check

        check(self)


class ContestantState(models.TextChoices):
    ACTIVE = "active", "active"
    PAUSED = "paused", "paused: in no new battle"
    RETIRED = "retired", "retired: kept for its ballots"


class Contestant(models.Model):
    """A system under test. What it is at one time is a `ContestantRevision`."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    arena = models.ForeignKey(Arena, on_delete=models.PROTECT, related_name="contestants")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    organisation = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=80, blank=True)
    link = models.URLField(blank=True)
    state = models.CharField(max_length=10, choices=ContestantState, default=ContestantState.ACTIVE)
    kept_apart = models.CharField(
        max_length=80, blank=True, help_text="Contestants with the same word here are never in one battle."
    )
    battle_weight = models.FloatField(
        default=1.0, help_text="How often it is shown under the policy fixed-weights, compared with the others."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["arena", "name"], name="contestant_name_once_in_arena"),
            models.CheckConstraint(
                condition=models.Q(battle_weight__gt=0, battle_weight__lte=1e6), name="contestant_weight_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ContestantRevision(models.Model):
    """A contestant's generator and settings, as they were from one day on.

    Never changed: a change is a new revision.
    """

    contestant = models.ForeignKey(Contestant, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField()
    backend = models.CharField(max_length=40, help_text="A name in arena.generation.backends.registry.")
    # The schema is the backend's own settings class, which `register_revision` checks them against.
    settings = models.JSONField(default=dict, blank=True)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["contestant", "number"]
        constraints = [models.UniqueConstraint(fields=["contestant", "number"], name="revision_number_once")]

    def __str__(self) -> str:
        return f"{self.contestant} r{self.number}"
