from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from arena.voters.addresses import network_of


class AccountAdapter(DefaultAccountAdapter):
    """Counts logins by the same networks as everything else is.

    By itself allauth takes IPv4 in the form of IPv6 for one network: all such visitors would share one count.
    """

    def get_client_ip(self, request: HttpRequest) -> str:
        return network_of(super().get_client_ip(request))
