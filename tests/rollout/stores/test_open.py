"""URLs of stores: which are taken, and what is said about the others."""

from __future__ import annotations

import builtins
import sys

import pytest

from ocr_rollout.stores import (
    MemoryStore,
    MissingExtraError,
    SqliteStore,
    StoreURLError,
    open_store,
)


def test_four_slashes_are_an_absolute_path(tmp_path):
    """And the store's own URL opens the same file."""
    store = open_store(f"sqlite:///{tmp_path}/a%20b.db")
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "a b.db"
    assert open_store(store.url).path == store.path


def test_three_slashes_are_relative_to_the_working_directory(tmp_path, monkeypatch):
    """At the time of opening."""
    monkeypatch.chdir(tmp_path)
    assert open_store("sqlite:///rollout.db").path == tmp_path / "rollout.db"


def test_every_memory_is_its_own():
    """Nothing is shared by name."""
    assert isinstance(open_store("memory:"), MemoryStore)
    assert open_store("memory:") is not open_store("memory:")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "rollout.db",
        "/var/lib/rollout.db",
        "sqlite:rollout.db",
        "sqlite://rollout.db",
        "sqlite:///",
        "sqlite:///folder/",
        "sqlite:///a%00b",
        "memory:name",
        "postgres://localhost/x",
        "redis:localhost",
        "redis://",
        "redis://host/zero",
        "redis://host:port",
        "redis://host:70000",
        "redis://host/0?db=3",
        "redis://host/0?prefix=",
        "redis://host/0?prefix=a b",
        "redis://host/0#1",
        "redis://[::1",
    ],
)
def test_another_url_is_refused_in_one_line(url):
    """It says what is accepted."""
    with pytest.raises(StoreURLError) as caught:
        open_store(url)
    assert len(str(caught.value).splitlines()) == 1
    assert "//" in str(caught.value) or "prefix" in str(caught.value)


def test_a_refused_url_does_not_show_its_password():
    """It may land in a log."""
    for url in ("postgres://me:secret@host/db", "redis://me:secret@host/db"):
        with pytest.raises(StoreURLError) as caught:
            open_store(url)
        assert "secret" not in str(caught.value)


def test_without_the_extra_it_says_how_to_install_it(monkeypatch):
    """A library that is missing is no bug of the program."""
    real = builtins.__import__

    def without_redis(name, *arguments, **options):
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError(f"No module named {name!r}", name="redis")
        return real(name, *arguments, **options)

    for module in [name for name in sys.modules if name.startswith("ocr_rollout.stores.redis")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(builtins, "__import__", without_redis)
    with pytest.raises(MissingExtraError, match=r"pip install 'ocr-rollout\[redis\]'"):
        open_store("redis://localhost")
