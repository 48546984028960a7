"""One of several processes that send what is in a store: `notifying_process.py URL HOOK LEASE NUMBER`.

Prints `ready`, and goes on until its standard input ends. Its messages carry its number as a link.
"""

from __future__ import annotations

import sys

from stories import PLAN

from ocr_client.metrics import Metrics
from ocr_client.notifications.notifier import Notifier
from ocr_client.settings import NotificationSettings, Target
from ocr_rollout.runtime import Member
from ocr_rollout.stores import open_store


def main(url: str, hook: str, lease_s: str, number: str) -> None:
    targets = tuple(Target(name, "webhook", f"{hook}/{name}") for name in ("ops", "dev"))
    settings = NotificationSettings(targets, public_url=f"http://process/{number}")
    store = open_store(url)
    notifier = Notifier(Metrics(), poll_s=0.1, lease_s=float(lease_s))
    member = Member(
        PLAN, store, on_change=lambda _: notifier.wake(), subscribers=settings.subscribers
    )
    member.start()
    notifier.follow(settings, store, member)
    print("ready", flush=True)
    sys.stdin.read()
    member.close()
    notifier.close(1.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
