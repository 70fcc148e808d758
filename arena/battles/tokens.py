"""The battle token: proof that this server showed this battle to this voter, valid as long as the battle."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.core import signing

from arena.refusals import Invalid

from .models import Battle

_SALT = "arena.battle"


@dataclass(frozen=True)
class BattleToken:
    battle: uuid.UUID
    voter: uuid.UUID


class ForgedToken(Invalid):
    code = "battle_token_invalid"
    title = "This battle is not known"


def issue(battle: Battle, voter_id: uuid.UUID) -> str:
    return signing.dumps([battle.public_id.hex, voter_id.hex], salt=_SALT, compress=True)


def read(token: str) -> BattleToken:
    """The battle and voter that a token names; `ForgedToken` if this server did not sign it.

    A token has no expiry of its own: the battle has, and a ballot that was recorded in time must be found again however
    late it is sent once more.
    """
    try:
        battle, voter = signing.loads(token, salt=_SALT)
        return BattleToken(uuid.UUID(battle), uuid.UUID(voter))
    except (signing.BadSignature, ValueError, TypeError):
        raise ForgedToken(
            "The battle token is missing or was not made by this server. Open a new battle and vote again."
        ) from None
