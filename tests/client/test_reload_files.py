"""Every way in which a configuration file changes is seen, and no half-written one is taken."""

import errno
import logging
import os
import statistics
import subprocess
import sys
import threading
import time

import pytest
from awake import Awake
from reloading import (
    LONG_S,
    CountingFile,
    Watched,
    config_map,
    descriptors,
    new_threads,
    replace,
    text,
    until,
)

from ocr_client.errors import ConfigError
from ocr_client.reload import FileSource, Status, Watcher, files
from ocr_client.reload.trail import follow


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "etc" / "config.yaml"
    file.parent.mkdir()
    file.write_text(text(1), "utf-8")
    return file


def in_place(path):
    return path, lambda: path.write_text(text(2), "utf-8")


def renamed(path):
    return path, lambda: replace(path, text(2))


def removed_and_written_anew(path):
    def edit():
        path.unlink()
        path.write_text(text(2), "utf-8")

    return path, edit


def with_a_backup(path):
    """As vim does with `backupcopy=no`."""

    def edit():
        path.rename(path.with_name("config.yaml~"))
        path.write_text(text(2), "utf-8")

    return path, edit


def appended(path):
    def edit():
        with path.open("a", encoding="utf-8") as file:
            file.write("limits: {max_pixels: 1}\n")
        path.write_text(text(2), "utf-8")

    return path, edit


def config_map_swapped(path):
    mount = path.parent / "mount"
    config_map(mount, 1, text(1))
    return mount / "config.yaml", lambda: config_map(mount, 2, text(2))


def link_swapped(path):
    link, other = path.with_name("link.yaml"), path.with_name("other.yaml")
    link.symlink_to(path.name)
    other.write_text(text(2), "utf-8")

    def edit():
        link.with_name("new").symlink_to(other)
        link.with_name("new").replace(link)

    return link, edit


def behind_a_link(path):
    """The file that a link in another directory leads to is edited."""
    link = path.parent.parent / "link.yaml"
    link.symlink_to(path)
    return link, lambda: replace(path, text(2))


def release_swapped(path):
    """`current -> releases/1`, as deployment tools do it."""
    base = path.parent
    for number in (1, 2):
        release = base / "releases" / str(number)
        release.mkdir(parents=True)
        (release / "config.yaml").write_text(text(number), "utf-8")
    (base / "current").symlink_to("releases/1")

    def edit():
        (base / "new").symlink_to("releases/2")
        (base / "new").replace(base / "current")

    return base / "current" / "config.yaml", edit


def folder_replaced(path):
    """A directory takes the name of the one before: only its parent would tell, so removed first."""

    def edit():
        path.unlink()
        path.parent.rmdir()
        path.parent.mkdir()
        path.write_text(text(2), "utf-8")

    return path, edit


KINDS = [
    in_place,
    renamed,
    removed_and_written_anew,
    with_a_backup,
    appended,
    config_map_swapped,
    link_swapped,
    behind_a_link,
    release_swapped,
    folder_replaced,
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_edit_is_seen_without_a_poll(path, kind):
    """Whatever kind it is, by the events of the system alone."""
    watched_path, edit = kind(path)
    with Watched(CountingFile(watched_path)) as watched:
        edit()
        watched.until_taken(2)
        assert watched.errors == []
        assert watched.numbers[0] == 1
        assert watched.status.generation == len(watched.numbers)
        assert watched.status.reloads == len(watched.numbers) - 1


def test_a_config_map_is_followed_through_all_its_versions(path):
    """The directory that is watched is another one after each."""
    mount = path.parent / "mount"
    config_map(mount, 1, text(1))
    with Watched(CountingFile(mount / "config.yaml")) as watched:
        for version in range(2, 7):
            config_map(mount, version, text(version))
            watched.until_taken(version)
        assert watched.numbers == [1, 2, 3, 4, 5, 6]
        assert watched.errors == []


def test_an_edit_is_in_use_within_half_a_second(path):
    """In the median of seven, on a machine that may be busy: within two."""
    taken_at = []
    with Watched(CountingFile(path)) as watched:
        for number in range(2, 9):
            started = time.monotonic()
            replace(path, text(number))
            watched.until_taken(number)
            taken_at.append(time.monotonic() - started)
    print(f"from edit to use: median {statistics.median(taken_at):.3f} s, {max(taken_at):.3f} s")
    assert statistics.median(taken_at) < 2


def test_the_last_of_many_quick_edits_is_in_use_in_the_end(path):
    """Whether or not those between were seen."""
    with Watched(CountingFile(path)) as watched:
        for number in [*range(2, 64)] * 3:
            replace(path, text(number))
        replace(path, text(64))
        watched.until_taken(64)
        assert watched.errors == []


def test_the_same_content_is_no_reload(path):
    """It was read again, and told apart by its hash."""
    with Watched(CountingFile(path)) as watched:
        before = watched.status
        for rewrite in (path.write_text, lambda content: replace(path, content)):
            reads = watched.source.reads
            rewrite(text(1))
            until(lambda reads=reads: watched.source.reads > reads)
        assert watched.status == before
        replace(path, text(2))
        watched.until_taken(2)
        assert watched.numbers == [1, 2]


def test_the_files_beside_it_are_not_its_changes(path):
    """A busy database in the same directory costs no read, and hides no edit."""
    busy, stop = path.with_name("rollout.db-wal"), threading.Event()

    def write():
        while not stop.wait(0.01):
            busy.write_bytes(os.urandom(64))

    with Watched(CountingFile(path)) as watched:
        writer = threading.Thread(target=write)
        writer.start()
        try:
            reads = watched.source.reads
            until(busy.exists)
            time.sleep(0.5)  # several batches of events
            assert watched.source.reads == reads
            replace(path, text(2))
            watched.until_taken(2)
        finally:
            stop.set()
            writer.join()


HALVES = {
    "empty": "",
    "not YAML": "triton: {concurrency: 2",
    "a mistake": "triton: {concurrency: }\n",
    "comments only": "# the first block of a longer file\n",
}


@pytest.mark.parametrize("half", HALVES.values(), ids=HALVES.keys())
def test_a_half_written_file_is_neither_taken_nor_called_bad(path, half):
    """It is seen in the middle, read again, and found whole."""
    with Watched(CountingFile(path)) as watched:
        with path.open("w", encoding="utf-8") as file:
            file.write(half)
            file.flush()
            reads = watched.source.reads
            until(lambda: watched.source.reads >= reads + 2)  # seen as it is, twice
            file.seek(0)
            file.truncate()
            file.write(text(2))
        watched.until_taken(2)
        assert watched.numbers == [1, 2]
        assert watched.errors == []
        assert watched.status.failures == 0


def test_a_half_that_would_be_accepted_waits_for_the_rest(path):
    """A file cut off between two keys is a configuration, too; it has to stay so to be taken."""
    half, seen, whole = "triton:\n  concurrency: 5\n", threading.Event(), threading.Event()

    class Slow(CountingFile):
        """Looks at the half once, and again only when the rest is there."""

        def read(self):
            if seen.is_set():
                whole.wait(60)
            content = super().read()
            if content == half.encode():
                seen.set()
            return content

    with Watched(Slow(path)) as watched:
        with path.open("w", encoding="utf-8") as file:
            file.write(half)
            file.flush()
            assert seen.wait(60)
            file.write("  deadline_s: 3\n")
        whole.set()
        watched.until_taken(5)
        assert watched.status.reloads == 1
    assert watched.watcher.load().triton.deadline_s == 3


BAD = {
    "triton: [\n": "not YAML",
    "a: b\nx: }\n": "line 2",
    "triton: {concurrency: 99}\n": "triton.concurrency: 99 is not accepted; accepted: ",
    "model_routng: {}\n": "did you mean model_routing",
    "x: 2024-13-45\n": "cannot be used",
    "": "is empty; write {}",
    "# all of it\n# commented out\n": "is empty; write {}",
    "x" * (2 << 20): "is longer than 65,536 bytes",
    "'" + "x" * 10_000 + "'": "...",
}


@pytest.mark.parametrize("bad", BAD, ids=lambda text: repr(text[:20]))
def test_a_bad_edit_keeps_the_last_good_configuration(path, bad, caplog):
    """It is said in one line and counted, once, however often it is read; a good one ends it."""
    source = CountingFile(path)
    source.patience_s = 0.2
    with Watched(source, poll_s=0.02) as watched, caplog.at_level(logging.ERROR):
        good = watched.status
        replace(path, bad)
        until(lambda: watched.status.error is not None)
        reads = source.reads
        until(lambda: source.reads > reads + 3)
        replace(path, bad)
        until(lambda: source.reads > reads + 6)
        (error,) = watched.errors
        assert error.startswith(f"{path}: ")
        assert BAD[bad] in error
        assert "\n" not in error
        assert len(error) < 700
        assert watched.status.error == error
        assert watched.status.failures == 1
        assert watched.status.digest == good.digest
        assert [record.getMessage() for record in caplog.records] == [
            f"{error} (configuration 1 stays in use)"
        ]
        replace(path, text(2))
        watched.until_taken(2)
        assert watched.numbers == [1, 2]
        assert watched.status.failures == 1


def test_going_back_to_what_is_in_use_is_no_reload(path):
    """The error ends, and nothing is applied again; the next mistake is said anew."""
    source = CountingFile(path)
    source.patience_s = 0.2
    with Watched(source) as watched:
        for failures in (1, 2):
            replace(path, "triton: 1")
            until(lambda: watched.status.error is not None)
            assert watched.status.failures == failures
            replace(path, text(1))
            until(lambda: watched.status.error is None)
        assert watched.numbers == [1]
        assert watched.status.generation == 1


def test_a_folder_that_was_away_for_a_moment_is_watched_again(path):
    """It may come back under the number it had, and looks as if it had never been away."""

    class Restored(CountingFile):
        def read(self):
            try:
                return super().read()
            except ConfigError:
                path.parent.mkdir(exist_ok=True)
                replace(path, text(1))
                raise

    with Watched(Restored(path)) as watched:
        reads = watched.source.reads
        path.unlink()
        path.parent.rmdir()
        until(lambda: path.exists() and watched.source.reads > reads + 1)
        time.sleep(0.5)  # what was to be noticed of it has been
        replace(path, text(2))
        watched.until_taken(2)


@pytest.mark.parametrize("folder_too", [False, True])
@pytest.mark.parametrize("number", [1, 2])
def test_a_file_that_goes_away_may_come_back(path, folder_too, number):
    """With what it held or with something else; meanwhile the last configuration stays."""
    source = CountingFile(path)
    source.patience_s = 0.2
    with Watched(source) as watched:
        path.unlink()
        if folder_too:
            path.parent.rmdir()
        until(lambda: watched.status.error is not None)
        assert "no such file" in watched.status.error
        assert watched.numbers == [1]
        path.parent.mkdir(exist_ok=True)
        replace(path, text(number))
        watched.until_taken(number)
        assert watched.numbers == [*{1, number}]
        assert watched.status.failures == 1


def test_without_events_the_poll_finds_the_change(path, monkeypatch):
    """As where a system's inotify instances are used up."""

    def used_up(*_):
        raise OSError(errno.EMFILE, "inotify instances")

    monkeypatch.setattr(files, "RustNotify", used_up)
    with Watched(CountingFile(path), poll_s=0.05) as watched:
        replace(path, text(2))
        watched.until_taken(2)


def test_a_folder_replaced_as_a_whole_is_found_by_the_poll_and_watched(path):
    """Its name leads to another directory than the one that is watched."""
    with Watched(CountingFile(path), poll_s=0.2) as watched:
        path.parent.rename(path.parent.with_name("old"))
        path.parent.mkdir()
        path.write_text(text(2), "utf-8")
        watched.until_taken(2)
        watched.watcher.poll_s = LONG_S
        for number in (3, 4):
            replace(path, text(number))
            watched.until_taken(number)


def test_an_apply_that_fails_is_tried_again(path):
    """What it raised is the error; the configuration before it counts as in use."""
    broken = threading.Event()
    broken.set()
    numbers = []

    def apply(config):
        if numbers and broken.is_set():
            raise RuntimeError("no room\nfor it")
        numbers.append(config.triton.concurrency)

    with Watched(CountingFile(path), poll_s=0.05, apply=apply) as watched:
        replace(path, text(2))
        until(lambda: watched.status.error is not None)
        reads = watched.source.reads
        until(lambda: watched.source.reads > reads + 3)
        assert watched.errors == [f"{path}: cannot be applied: RuntimeError: no room for it"]
        assert watched.status.generation == 1
        broken.clear()
        until(lambda: numbers == [1, 2] and watched.status.error is None)


def test_what_on_error_raises_ends_nothing(path):
    """It is somebody else's fault, and logged."""

    def fail(_):
        raise RuntimeError("boom")

    source = CountingFile(path)
    source.patience_s = 0.1
    watched = Watched(source)
    watched.watcher._on_error = fail
    with watched:
        replace(path, "- bad")
        until(lambda: watched.status.failures == 1)
        replace(path, text(2))
        watched.until_taken(2)


FIRST = {
    "none.yaml": (None, "no such file"),
    "folder": ("folder", "is a directory"),
    "pipe": ("pipe", "is not a regular file"),
    "bad.yaml": ("triton: [", "not YAML"),
    "mistake.yaml": ("triton: {concurrency: 0}", "triton.concurrency: 0"),
    "long.yaml": ("#" * (2 << 20), "longer than 65,536 bytes"),
    "latin.yaml": (b"\xff\xfe\x00\xd8", "not YAML"),
}


@pytest.mark.parametrize("name", FIRST)
def test_a_first_read_that_fails_raises_in_one_line(tmp_path, name):
    """And no thread is left behind."""
    content, words = FIRST[name]
    path = tmp_path / name
    if content == "folder":
        path.mkdir()
    elif content == "pipe":
        os.mkfifo(path)
    elif content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    threads = threading.enumerate()
    watcher = Watcher(FileSource(path), lambda _: None)
    with pytest.raises(ConfigError) as caught:
        watcher.start()
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not new_threads(threads)
    assert watcher.status() == Status(str(path))


def test_loading_and_starting_apart(path):
    """`load` applies nothing, and `start` then does not read for itself."""
    taken = []
    watcher = Watcher(FileSource(path), taken.append, clock=lambda: 7.0)
    config = watcher.load()
    assert config.triton.concurrency == 1
    assert taken == []
    status = watcher.status()
    assert (status.generation, status.reloads, status.loaded_at_s) == (1, 0, 7.0)
    assert len(status.digest) == 64
    watcher.start()
    try:
        replace(path, text(2))
        until(lambda: len(taken) == 1)
        with pytest.raises(RuntimeError, match="once"):
            watcher.start()
    finally:
        watcher.close()


def test_relative_store_files_begin_beside_the_configuration(path, monkeypatch):
    """Also when the working directory changes while the program runs."""
    monkeypatch.chdir(path.parent)
    path.write_text("store: {url: 'sqlite:///a.db'}\n", "utf-8")
    watcher = Watcher(FileSource("config.yaml"), lambda _: None)
    monkeypatch.chdir("/")
    assert str(path.parent / "a.db") in watcher.load().store.url


def test_closing_is_quick_and_final(path):
    """Within a second; no edit is applied afterwards, nothing is left open."""
    open_before, threads = descriptors(), threading.enumerate()
    watched = Watched(CountingFile(path))
    with watched:
        pass
    for _ in range(5):
        watched = Watched(CountingFile(path))
        with watched, Awake() as took:
            watched.watcher.close()
        assert took.s < 1
        watched.watcher.close()  # again
    replace(path, text(2))
    until(lambda: not new_threads(threads))  # closing waits for its thread, but not for ever
    until(lambda: descriptors() <= open_before)  # the watch's own thread ends a little later
    assert watched.numbers == [1]


def test_watching_costs_next_to_nothing(path):
    """No read, and little of a processor, while nothing changes."""
    with Watched(CountingFile(path)) as watched:
        reads, used, began = watched.source.reads, time.process_time(), time.monotonic()
        time.sleep(1)
        used = (time.process_time() - used) / (time.monotonic() - began)
        assert watched.source.reads == reads
    print(f"{used:.4f} s of processor time in a second")
    assert used < 0.2


def test_a_program_that_never_closes_ends_cleanly(path):
    """The thread does not hold it up, nor break as the interpreter goes."""
    script = (
        "import sys, time\n"
        "from ocr_client.reload import FileSource, Watcher\n"
        "Watcher(FileSource(sys.argv[1]), lambda config: None).start()\n"
        "class Slow:\n"
        "    def __del__(self, sleep=time.sleep): sleep(0.2)\n"
        "slow = Slow()\n"
        "print('done')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "done\n", "")


def test_the_way_through_links(tmp_path):
    """Every link and the file are entries; their directories are watched, each once."""
    base = tmp_path.resolve()
    config_map(base / "m", 1, text(1))
    trail = follow(base / "m" / "config.yaml")
    assert trail.entries == {
        str(base / "m" / name) for name in ("config.yaml", "..data", "..2024_1/config.yaml")
    }
    assert [folder for folder, _ in trail.folders] == [str(base / "m"), str(base / "m/..2024_1")]

    (base / "up.yaml").symlink_to(base / "m" / ".." / "m" / "config.yaml")
    assert follow(base / "up.yaml").entries >= trail.entries
    (base / "loop").symlink_to("loop")
    assert str(base / "loop") in follow(base / "loop").entries
    missing = follow(base / "a" / "b" / "c.yaml")
    assert missing.entries == {str(base / "a")}
    assert [folder for folder, _ in missing.folders] == [str(base)]
