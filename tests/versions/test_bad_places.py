"""A full disk, a read-only one, another one, and a fault at every single file operation."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import bars
import pytest

from ocr_client.versions import files, intake
from ocr_client.versions.alone import alone
from ocr_client.versions.errors import RepositoryError, UnfinishedError, VersionsError
from ocr_client.versions.places import Repository
from ocr_client.versions.retiring import retire
from ocr_client.versions.serve import activate, publish
from ocr_client.versions.site import Site
from ocr_rollout.core.routing import Arm

pytestmark = pytest.mark.server


@contextlib.contextmanager
def mounted(path: Path, megabytes: float) -> Iterator[Path]:
    """A file system of that size; the test is skipped where none may be mounted."""
    path.mkdir()
    options = f"size={int(megabytes * 1024)}k"
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip("this user may not mount a file system")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


def padded(folder: Path, version: int, megabytes: float) -> Path:
    """A sound version of some size: random weights that nothing uses."""
    import numpy as np
    from onnx import numpy_helper

    model = bars.graph(version)
    values = np.random.default_rng(version).integers(0, 100, int(megabytes * (1 << 18)))
    model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), "padding"))
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    bars.write_meta(folder, version=version)
    return folder


def elsewhere(site: Site, root: Path) -> Site:
    """The same server, asked about a repository that it does not serve: nothing gets that far."""
    return dataclasses.replace(site, repository=Repository.at(root))


def test_a_full_disk_is_told_before_and_while_copying(site, standard, tmp_path, monkeypatch):
    """By the space that is left, and, where that was taken meanwhile, by the write that fails."""
    source = padded(tmp_path / "new", 2, 3)
    with mounted(tmp_path / "disk", 2) as disk:
        root = bars.write_repository(disk / "models")
        before = bars.tree(disk)
        there = elsewhere(site, root)
        with pytest.raises(RepositoryError, match=r"MB free, .* MB are needed; free some space"):
            publish(there, "crnn", source, standard)
        monkeypatch.setattr(intake, "refuse_full_disk", lambda *_: None)
        with pytest.raises(RepositoryError, match="the disk is full; free some space") as error:
            publish(there, "crnn", source, standard)
        assert "\n" not in str(error.value)
        after = {name: digest for name, digest in bars.tree(disk).items() if "holder" not in name}
        assert after == before
        assert there.journal.read() is None


def test_a_read_only_repository_is_told(site, standard, tmp_path):
    source = bars.write_version(tmp_path / "new", version=2)
    with mounted(tmp_path / "disk", 2) as disk:
        there = elsewhere(site, bars.write_repository(disk / "models"))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(RepositoryError, match="read-only file system"):
            publish(there, "crnn", source, standard)
        with pytest.raises(RepositoryError, match="read-only file system"):
            retire(there, Arm("crnn", 1), tuple)


def test_a_workplace_on_another_disk_is_told(site, standard, tmp_path):
    """A rename cannot cross file systems, and a copy would not be one step."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    work = shared / f"ocr-test-{uuid.uuid4().hex}"
    before = bars.tree(site.repository.root)
    there = dataclasses.replace(site, repository=Repository.at(site.repository.root, work))
    try:
        with pytest.raises(RepositoryError, match=r"another file system than .* --work DIR"):
            publish(there, "crnn", bars.write_version(tmp_path / "new", version=2), standard)
        assert bars.tree(site.repository.root) == before
        assert there.journal.read() is None
    finally:
        files.remove(work)


class FailingSync:
    """os.fsync that fails once, at its nth call, as a disk does that has just become full."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self._real = os.fsync
        self.failed = False

    def __call__(self, handle: int) -> None:
        self._left -= 1
        if self._left == 0:
            self.failed = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._real(handle)


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["publish", "retire", "retire --keep", "activate"])
def test_fault_at_every_file_operation_ends_before_or_after(
    site, standard, tmp_path, monkeypatch, verb
):
    """A full disk at the first, the second, ... until there is none: never anything in between."""
    arm = Arm("crnn", 50 + len(verb))
    source = bars.write_version(tmp_path / "new", version=arm.version)
    acts = {
        "publish": lambda: publish(site, "crnn", source, standard, version=arm.version),
        "activate": lambda: activate(site, arm, standard),
        "retire": lambda: retire(site, arm, tuple),
        "retire --keep": lambda: retire(site, arm, tuple, keep=True),
    }
    if verb != "publish":
        acts["publish"]()
    if verb == "activate":
        acts["retire --keep"]()
    before = bars.tree(site.repository.root)
    for broken in range(1, 60):
        sync = FailingSync(broken)
        error = failure(monkeypatch, sync, acts[verb])
        if error is None:
            break
        assert "the disk is full" in str(error)
        if isinstance(error, UnfinishedError):
            with alone(site, "test"):  # as the next command does
                pass
        assert site.journal.read() is None
        if bars.tree(site.repository.root) != before:
            break  # it was past the point of no return, and was finished
    assert broken > 4
    listed = arm.version in site.repository.model("crnn").listed()
    assert listed is (verb in ("publish", "activate"))
    assert site.fleet.control.ready(site.fleet.endpoints[0], "crnn", arm.version) is listed
    if listed:
        retire(site, arm, tuple)


def failure(
    monkeypatch: pytest.MonkeyPatch, sync: FailingSync, act: Callable[[], object]
) -> VersionsError | None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", sync)
        try:
            act()
        except VersionsError as error:
            return error
    return None
