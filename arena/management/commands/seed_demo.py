from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from arena.demo.seed import seed_demo


class Command(BaseCommand):
    help = "Write the demo arena, its painters and prompts; run twice it changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        queued = seed_demo()
        self.stdout.write(f"Demo arena ready; {queued} pictures queued." if queued else "The demo is there already.")
