"""The store goes away under a rollout on the real Triton: no caller notices, and it is caught up."""

from __future__ import annotations

import sqlite3

import pytest
from benchmarks.rollout_site import Site, phases, wait_until
from benchmarks.traffic import Traffic, made_lines
from live import counted, member_of, wait_for_requests

pytestmark = pytest.mark.server

LINES = made_lines(200)
LASTING = phases(0.5, 1.0, samples=100_000)


def store_error(client):
    return member_of(client).health().store_error


def end(site, client, traffic):
    """Ends both. Every answer was counted once, unless its bucket key had been in that minute."""
    member = member_of(client)
    traffic.end()
    client.close()
    health = member.health()
    assert (health.unsent, health.dropped) == (0, 0)
    assert sum(counted(site)) + health.repeats == traffic.tally.answers.total()
    assert min(counted(site)) > 0


def test_a_locked_file_stops_nobody_and_is_caught_up(site, begin):
    """Another program holds SQLite's write lock for longer than a client waits for it."""
    client = begin(site, "crnn:1", LASTING)
    with Traffic(client, LINES) as traffic:
        wait_until(lambda: sum(counted(site)) > 0, "the first counts")
        other = sqlite3.connect(site.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        wait_until(lambda: store_error(client), "a client that says so")
        wait_for_requests(traffic, 50)
        other.execute("ROLLBACK")
        other.close()
        wait_until(lambda: not store_error(client), "the store's return")
        end(site, client, traffic)
    assert traffic.tally.words == []


def test_a_file_that_is_taken_away_stops_nobody_and_is_caught_up(site, begin):
    """The share stays as it was last known; what was counted meanwhile goes into the file again."""
    client = begin(site, "crnn:1", LASTING)
    away = site.folder / "away"
    away.mkdir()
    with Traffic(client, LINES) as traffic:
        wait_until(lambda: sum(counted(site)) > 0, "the first counts")
        for path in site.folder.glob("rollout.db*"):
            path.rename(away / path.name)
        wait_until(lambda: "the file is gone" in store_error(client), "a client that says so")
        wait_for_requests(traffic, 50)
        assert client.rollout.weight == 0.5
        for path in away.iterdir():
            path.rename(site.folder / path.name)
        wait_until(lambda: not store_error(client), "the store's return")
        end(site, client, traffic)
    assert traffic.tally.words == []


def test_a_redis_that_dies_stops_nobody_and_is_caught_up(site, begin, own_redis):
    """Killed and started again: what it had confirmed is there, the rest is sent again."""
    at_redis = Site(
        site.folder, site.repository, site.http_url, site.metrics_url, store_url=own_redis.url
    )
    client = begin(at_redis, "crnn:1", LASTING)
    with Traffic(client, LINES) as traffic:
        wait_until(lambda: sum(counted(at_redis)) > 0, "the first counts")
        own_redis.kill()
        wait_until(lambda: store_error(client), "a client that says so")
        wait_for_requests(traffic, 50)
        own_redis.start()
        wait_until(lambda: not store_error(client), "the store's return")
        end(at_redis, client, traffic)
    assert traffic.tally.words == []
