"""Voters with a taste, so that the board in the pictures is alive: they see what a person sees, and no names.

Each looks at the four pictures it was shown, likes colour and contrast to its own degree, adds some noise, and sends
the plain form. The rule is seeded; which battles it gets is the arena's choice.
"""

from __future__ import annotations

import http.cookiejar
import io
import random
import re
import urllib.parse
import urllib.request
from dataclasses import dataclass
from html import unescape

import numpy as np
from demo import ARENA
from PIL import Image

NOISE = 1.0  # of a taste's spread over one battle
_FIELD = re.compile(r'<input[^>]* name="([\w]+)"[^>]* value="([^"]*)"')
_PICTURE = re.compile(r'<img src="(/media/[^"]+)"')


@dataclass(frozen=True)
class VotePage:
    html: str

    @property
    def token(self) -> str | None:
        return self.fields.get("token")

    @property
    def fields(self) -> dict[str, str]:
        return {name: unescape(value) for name, value in _FIELD.findall(self.html)}

    @property
    def pictures(self) -> list[str]:
        return _PICTURE.findall(self.html)


class Voter:
    """One browser without JavaScript."""

    def __init__(self, url: str, seed: int) -> None:
        self._url = url
        self._random = random.Random(seed)
        self._love_of_colour = self._random.uniform(0.6, 1.4)
        self._love_of_contrast = self._random.uniform(0.4, 1.0)
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._browser = urllib.request.build_opener(cookies)

    def vote(self) -> bool:
        """Judge one battle; False if there is none to judge."""
        page = VotePage(self._get(f"/arenas/{ARENA}/vote/").decode())
        if page.token is None:
            return False
        form = page.fields | self._judge([self._look(path) for path in page.pictures])
        self._post(f"/arenas/{ARENA}/ballots/", form)
        return True

    def _judge(self, likings: list[float]) -> dict[str, str]:
        """Mostly a full order; now and then only the best, a tie at the top, or all bad."""
        spread = float(np.std(likings)) or 1.0
        felt = [liking + self._random.gauss(0, NOISE * spread) for liking in likings]
        order = sorted(range(len(felt)), key=lambda slot: -felt[slot])
        ranks = {slot: str(place + 1) for place, slot in enumerate(order)}
        mood = self._random.random()
        if mood < 0.04:
            return {"verdict": "all_bad"} | {f"rank_{letter}": "" for letter in "abcdefgh"[: len(felt)]}
        if mood < 0.14:
            ranks = {slot: "1" if slot == order[0] else "" for slot in order}
        elif mood < 0.24:
            ranks[order[1]] = "1"
        return {"verdict": "ranked"} | {f"rank_{'abcdefgh'[slot]}": rank for slot, rank in ranks.items()}

    def _look(self, path: str) -> float:
        picture = np.asarray(Image.open(io.BytesIO(self._get(path))).convert("RGB").resize((64, 64)), dtype=float) / 255
        colour = float(np.mean(picture.max(axis=2) - picture.min(axis=2)))
        contrast = float(np.std(picture.mean(axis=2)))
        return self._love_of_colour * colour + self._love_of_contrast * contrast

    def _get(self, path: str) -> bytes:
        with self._browser.open(self._url + path) as response:
            return bytes(response.read())

    def _post(self, path: str, form: dict[str, str]) -> None:
        body = urllib.parse.urlencode(form).encode()
        with self._browser.open(urllib.request.Request(self._url + path, body)) as response:
            if "/ballots/" not in response.url:
                raise SystemExit(f"A ballot led to {response.url}, not to its reveal.")


def vote_together(url: str, voters: int, ballots: int, seed: int) -> int:
    """So many ballots, by voters in turn; returns how many could be cast."""
    people = [Voter(url, seed + number) for number in range(voters)]
    return sum(people[turn % voters].vote() for turn in range(ballots))
