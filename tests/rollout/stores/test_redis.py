"""What is particular to Redis: it dies and comes back, it may be anybody's, and it has clocks."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
import redis

from ocr_rollout.stores import (
    CountBatch,
    CountDelta,
    KeyedDelta,
    LogEntry,
    Message,
    Sample,
    Span,
    StoreCorruptError,
    StoreReadOnlyError,
    StoreUnavailableError,
    StoreVersionError,
    Transition,
    open_store,
)


def step(expected: int) -> Transition:
    return Transition(expected, {"generation": expected + 1}, LogEntry({}))


def fill(store) -> None:
    message = Message({})
    store.commit(Transition(0, {"generation": 1}, LogEntry({}), [message]))
    delta = CountDelta("s", 0, {"n": 1}, 100)
    store.add(CountBatch("me", 1, 0, [delta], [KeyedDelta("c", 0, 100, 7, [delta])]))
    store.put_sample(Sample("x", 0, 100, {}))
    store.lease("me", now_s=0, lease_s=1)


def test_a_server_that_was_killed_and_comes_back_has_it_all(own_redis):
    """The same store object goes on: it says that the server is away, and then finds its data."""
    store = open_store(own_redis.url)
    fill(store)
    own_redis.kill()
    for call in (store.state, lambda: store.commit(step(1)), lambda: store.wait_for_change(1, 1)):
        with pytest.raises(StoreUnavailableError) as caught:
            call()
        assert str(caught.value).startswith(f"{own_redis.url}: ")
        assert len(str(caught.value).splitlines()) == 1
    own_redis.start()
    assert store.state().generation == 1
    assert [row.counts for row in store.counts(Span("s", 0, 1))] == [{"n": 2}]
    assert [sample.id for sample in store.samples(0, 1)] == ["x"]
    assert len(store.history()) == 1
    assert store.commit(step(1)).won


def test_a_waiting_process_hears_of_changes_after_a_restart(own_redis):
    """Its subscription went down with the server; polling and a new one take over."""
    store, other = open_store(own_redis.url), open_store(own_redis.url)
    store.commit(step(0))
    seen: list[int] = []
    at: list[float] = []

    def follow() -> None:
        generation, deadline = 1, time.monotonic() + 120
        while generation < 7 and time.monotonic() < deadline:
            try:
                generation = store.wait_for_change(generation, 30).generation
            except StoreUnavailableError:
                time.sleep(0.01)
                continue
            seen.append(generation)
            at.append(time.monotonic())

    thread = threading.Thread(target=follow)
    thread.start()
    time.sleep(0.1)  # so that it does wait
    own_redis.kill()
    own_redis.start()
    assert other.commit(step(1)).won
    while not seen and thread.is_alive():
        time.sleep(0.01)
    committed = []
    for generation in range(2, 7):
        committed.append(time.monotonic())
        assert other.commit(step(generation)).won
        while seen[-1] == generation and thread.is_alive():
            time.sleep(0.01)
    thread.join(120)
    assert seen == [2, 3, 4, 5, 6, 7]
    late = sorted(heard - told for told, heard in zip(committed, at[1:], strict=True))
    assert late[2] < 2


def test_a_repeated_step_is_known_after_a_restart(own_redis):
    """The answer was lost with the server; the step was not."""
    store = open_store(own_redis.url)
    first = step(0)
    assert store.commit(first).won
    own_redis.kill()
    own_redis.start()
    assert store.commit(first).won
    assert len(store.history()) == 1


def test_an_address_where_nobody_listens_is_named_without_the_password():
    """In errors and in what the store says about itself."""
    store = open_store("redis://user:secret@127.0.0.1:1/3?prefix=team")
    assert store.url == "redis://127.0.0.1:1/3?prefix=team"
    with pytest.raises(StoreUnavailableError, match=r"^redis://127\.0\.0\.1:1/3") as caught:
        store.state()
    assert "secret" not in str(caught.value)


def test_a_wrong_password_is_refused_in_one_line(own_redis):
    """And does not stand in the line."""
    client = redis.Redis(port=own_redis.port)
    client.config_set("requirepass", "right")
    with pytest.raises(StoreUnavailableError) as caught:
        open_store(f"redis://:wrong@127.0.0.1:{own_redis.port}").state()
    assert "wrong" not in str(caught.value).replace("wrong number", "")
    assert len(str(caught.value).splitlines()) == 1
    assert open_store(f"redis://:right@127.0.0.1:{own_redis.port}").state() is None
    client.close()


def test_the_password_of_a_url_without_one_comes_from_the_environment(own_redis, monkeypatch):
    """So that it need not stand in a configuration file; one in the URL wins."""
    client = redis.Redis.from_url(own_redis.url)
    client.config_set("requirepass", "right")
    monkeypatch.setenv("OCR_ROLLOUT_REDIS_PASSWORD", "right")
    assert open_store(own_redis.url).state() is None
    monkeypatch.setenv("OCR_ROLLOUT_REDIS_PASSWORD", "wrong")
    with pytest.raises(StoreUnavailableError):
        open_store(own_redis.url).state()
    named = own_redis.url.replace("//", "//:right@")
    assert open_store(named).state() is None
    client.close()


def test_a_server_that_hangs_is_given_up(own_redis):
    """Within the time-out, not after the kernel's minutes."""
    from ocr_rollout.stores.redis import RedisStore

    RedisStore(own_redis.url).commit(step(0))  # so that no fsync meets the short time-out
    store = RedisStore(own_redis.url, timeout_s=0.1)
    took = []
    own_redis.process.send_signal(19)  # SIGSTOP
    for _ in range(3):  # the machine may hold up one of them, a wait for the server all
        started = time.monotonic()
        with pytest.raises(StoreUnavailableError):
            store.state()
        took.append(time.monotonic() - started)
    assert min(took) < 2
    own_redis.process.send_signal(18)  # SIGCONT
    assert await_answer(store.state).generation == 1
    following = step(1)  # one step, however often it has to be offered
    assert await_answer(lambda: store.commit(following)).won


def await_answer(ask):
    """What it answers when the server is up again, which may take longer than one time-out."""
    end = time.monotonic() + 60
    while True:
        with contextlib.suppress(StoreUnavailableError):
            return ask()
        assert time.monotonic() < end


def test_a_store_of_a_newer_version_is_left_alone(redis_server):
    """Neither read nor written."""
    url = f"{redis_server.url}?prefix=newer"
    with redis.Redis(port=redis_server.port) as client:
        client.set("{newer}:schema", "2")
        store = open_store(url)
        for call in (store.state, lambda: store.commit(step(0)), lambda: fill(store)):
            with pytest.raises(StoreVersionError, match="schema 2 was written by a newer version"):
                call()
        assert client.keys("{newer}:*") == [b"{newer}:schema"]


def test_keys_of_another_program_are_not_overwritten(redis_server):
    """Somebody has the prefix already."""
    with redis.Redis(port=redis_server.port) as client:
        client.set("{taken}:state", "theirs")
        with pytest.raises(StoreCorruptError, match="another program uses the prefix"):
            open_store(f"{redis_server.url}?prefix=taken").commit(step(0))
        assert client.get("{taken}:state") == b"theirs"


def test_a_replica_is_read_but_not_written(own_redis):
    """And the line says to name the primary."""
    store = open_store(own_redis.url)
    store.commit(step(0))
    with redis.Redis(port=own_redis.port) as client:
        client.replicaof("127.0.0.1", "1")
        assert store.state().generation == 1
        with pytest.raises(StoreReadOnlyError, match="it is a replica"):
            store.commit(step(1))


def test_redis_itself_forgets_what_nobody_prunes(redis_server):
    """All that grows with traffic has a time to live; state, log and outbox have none."""
    fill(open_store(f"{redis_server.url}?prefix=ttl"))
    with redis.Redis(port=redis_server.port, decode_responses=True) as client:
        lives = {key: client.ttl(key) for key in client.keys("{ttl}:*")}
    mortal = {key.removeprefix("{ttl}:") for key, ttl in lives.items() if ttl > 0}
    assert mortal == {"counts:s:0", "starts:s", "seen:c:0", "source:me", "sample:x"}
    assert lives["{ttl}:counts:s:0"] <= 100 + 3600


def test_two_prefixes_are_two_stores(redis_server):
    """Two teams on one server."""
    one = open_store(f"{redis_server.url}?prefix=one")
    two = open_store(f"{redis_server.url}?prefix=two")
    one.commit(step(0))
    assert two.state() is None


def test_notices_that_may_not_be_heard_are_replaced_by_polling(own_redis):
    """An access list may forbid channels; then a change is seen a little later."""
    with redis.Redis(port=own_redis.port) as client:
        client.execute_command("ACL SETUSER deaf on >x ~* +@all -subscribe")
    deaf = open_store(f"redis://deaf:x@127.0.0.1:{own_redis.port}/0")
    store = open_store(own_redis.url)
    took = []
    for generation in range(3):  # the machine may hold up one of them
        threading.Timer(0.2, store.commit, [step(generation)]).start()
        started = time.monotonic()
        assert deaf.wait_for_change(generation, 120).generation == generation + 1
        took.append(time.monotonic() - started)
    assert sorted(took)[1] < 3
