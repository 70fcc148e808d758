"""How each protocol is put to voters, in words."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from arena.catalogue.models import Arena
from arena.protocols import Protocol, ProtocolChoice

Words = str | Promise  # translated when they are shown


@dataclass(frozen=True)
class Way:
    """A protocol as a voter meets it: what it is called, what is asked, what is to be done, and what to know without
    the script.
    """

    protocol: str
    name: Words
    question: Words
    task: Words
    plainly: Words = ""

    @property
    def picks(self) -> bool:
        """Whether candidates are chosen one by one, on the works themselves."""
        return self.protocol not in (Protocol.PAIR, Protocol.GRADED_PAIR)


@dataclass(frozen=True)
class Step:
    """One of the steps of a graded pair: 3 to -3, from A to B."""

    value: int
    words: Words

    @property
    def short(self) -> str:
        """For small screens, where a sentence beside the steps says what the chosen one means."""
        return "=" if self.value == 0 else ("A" if self.value > 0 else "B") + "+" * abs(self.value)


_WAYS = {
    way.protocol: way
    for way in (
        Way(
            Protocol.PAIR,
            _("The better of two"),
            _("Which one is better?"),
            _("Say which one is better, or that they tie."),
        ),
        Way(
            Protocol.GRADED_PAIR,
            _("Two, and by how much"),
            _("Which one is better, and by how much?"),
            _("Say which one is better, and by how much."),
        ),
        Way(Protocol.BEST, _("The best one"), _("Which one is the best?"), _("Choose the best one.")),
        Way(
            Protocol.BEST_WORST,
            _("The best and the worst"),
            _("Which one is the best, and which the worst?"),
            _("Choose the best and the worst."),
        ),
        Way(
            Protocol.K_RANK,
            _("All in order"),
            _("Best first, ties allowed."),
            _("Put them in order, best first. Ties are fine."),
            _("Two in the same place are tied, and the next place counts both (1, 1, 3)."),
        ),
        Way(Protocol.PICK_MANY, _("The good ones"), _("Which ones are good?"), _("Choose all that are good.")),
    )
}
_STEPS = (
    Step(3, _("A is much better")),
    Step(2, _("A is better")),
    Step(1, _("A is slightly better")),
    Step(0, _("Tie")),
    Step(-1, _("B is slightly better")),
    Step(-2, _("B is better")),
    Step(-3, _("B is much better")),
)


def way_of(protocol: str) -> Way:
    return _WAYS[protocol]


def other_ways(arena: Arena, protocol: str) -> list[Way]:
    """What this voter may change to; nothing where the lot decides."""
    if arena.protocol_choice == ProtocolChoice.BY_LOT:
        return []
    return [_WAYS[other] for other in arena.protocols if other != protocol]


def steps_of(arena: Arena) -> list[Step]:
    """Of a graded pair, from A to B."""
    return [step for step in _STEPS if arena.graded_steps == 7 or abs(step.value) != 2]
