"""Files of tokens: made once for all, refused where others can read them, never shown."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ocr_gateway import tokens
from ocr_gateway.settings import ServiceSettings
from ocr_gateway.tokens import ADMIN_VARIABLE, STATE_VARIABLE, TokenError, load
from ocr_server.places import state_dir

TOKEN = "0123456789abcdefghij"
OTHER = "jihgfedcba9876543210"


@pytest.fixture
def state(tmp_path):
    """An environment without any token so far."""
    return {STATE_VARIABLE: str(tmp_path / "state")}


def written(folder, content=TOKEN, mode=0o600):
    path = folder / "token"
    path.write_text(content)
    path.chmod(mode)
    return path


def refused(settings, environment, text):
    with pytest.raises(TokenError) as caught:
        load(settings, environment)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_token_is_made_for_its_owner_alone(state):
    admin = load(ServiceSettings(), state).admin
    assert stat.S_IMODE(admin.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(admin.path.parent.stat().st_mode) == 0o700
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\n", admin.path.read_text())  # 256 bits
    assert [path.name for path in admin.path.parent.iterdir()] == ["admin-token"]


def test_a_made_token_stays(state):
    first = load(ServiceSettings(), state)
    content = first.admin.path.read_text()
    assert load(ServiceSettings(), state) == first
    assert first.admin.path.read_text() == content


def test_processes_that_start_together_agree(tmp_path):
    """Eight, none of which finds a token there; each tells the hash of what it would accept."""
    program = (
        "import sys; from ocr_gateway.tokens import load; "
        "from ocr_gateway.settings import ServiceSettings; print(flush=True); sys.stdin.read(); "
        "print(load(ServiceSettings()).admin.digest.hex())"
    )
    environment = {**os.environ, STATE_VARIABLE: str(tmp_path / "state")}
    environment.pop(ADMIN_VARIABLE, None)
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(8)
    ]
    for run in runs:
        run.stdout.readline()  # it is there
    for run in runs:
        run.stdin.close()
    said = {run.stdout.read().strip() for run in runs}
    assert [run.wait() for run in runs] == [0] * 8
    assert len(said) == 1
    assert said == {load(ServiceSettings(), environment).admin.digest.hex()}


def test_a_token_is_shown_nowhere(state, tmp_path):
    settings = ServiceSettings(reviewer_token_file=written(tmp_path))
    loaded = load(settings, state)
    admin = loaded.admin.path.read_text().strip()
    for text in (repr(loaded), str(loaded), f"{loaded.admin}", f"{loaded.reviewer!r}"):
        assert admin not in text
        assert TOKEN not in text
        assert loaded.admin.digest.hex() not in text
        assert repr(loaded.admin.digest) not in text


def test_a_configured_file_is_taken_and_none_is_made(state, tmp_path):
    path = written(tmp_path, f"  {TOKEN}\n")
    loaded = load(ServiceSettings(admin_token_file=path), state)
    assert (loaded.admin.path, loaded.role_of(TOKEN)) == (path, "admin")
    assert not Path(state[STATE_VARIABLE]).exists()


def test_the_environment_comes_before_the_configuration(state, tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    for folder, content in ((first, TOKEN), (second, OTHER)):
        folder.mkdir()
        written(folder, content)
    settings = ServiceSettings(admin_token_file=first / "token")
    loaded = load(settings, {**state, ADMIN_VARIABLE: str(second / "token")})
    assert (loaded.role_of(OTHER), loaded.role_of(TOKEN)) == ("admin", None)


def test_each_token_has_its_role(state, tmp_path):
    loaded = load(ServiceSettings(reviewer_token_file=written(tmp_path)), state)
    admin = loaded.admin.path.read_text().strip()
    assert (loaded.role_of(admin), loaded.role_of(TOKEN)) == ("admin", "reviewer")
    for wrong in ("", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), f"{TOKEN}\n", "李", "\udcff"):
        assert loaded.role_of(wrong) is None


def test_one_token_for_both_roles_is_refused(state, tmp_path):
    path = written(tmp_path)
    settings = ServiceSettings(admin_token_file=path, reviewer_token_file=path)
    refused(settings, state, "holds the admin's token, and reviewers may not order")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666, 0o601, 0o610])
def test_a_file_that_others_can_touch_is_refused(state, tmp_path, mode):
    path = written(tmp_path, mode=mode)
    settings = ServiceSettings(admin_token_file=path)
    refused(settings, state, f"put a new token into it and run: chmod 600 {path}")


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_ones_own_is_taken(state, tmp_path, mode):
    settings = ServiceSettings(admin_token_file=written(tmp_path, mode=mode))
    assert load(settings, state).role_of(TOKEN) == "admin"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(
    ("owner", "mode", "taken"),
    [
        (0, 0o440, True),  # as Kubernetes mounts a secret for a group
        (0, 0o640, True),
        (0, 0o444, False),
        (0, 0o460, False),
        (1_234, 0o440, False),  # another user's: he could change it
    ],
)
def test_a_mounted_file_is_roots_and_read_through_a_group(tmp_path, owner, mode, taken):
    """Looked at by a user who is not root."""
    path = written(tmp_path, mode=mode)
    os.chown(path, owner, 65_534)
    found = path.stat()
    os.seteuid(65_534)
    try:
        if taken:
            tokens._refuse_exposed(path, found)
        else:
            with pytest.raises(TokenError, match="accepted: your own with mode 600"):
                tokens._refuse_exposed(path, found)
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    "content",
    ["", "\n", "short", "x" * 19, "x" * 501, f"{TOKEN} {TOKEN}", f"{TOKEN}\n{TOKEN}", "李" * 20],
    ids=len,
)
def test_what_is_no_token_is_refused(state, tmp_path, content):
    path = tmp_path / "token"
    path.write_bytes(content.encode())
    path.chmod(0o600)
    refused(ServiceSettings(admin_token_file=path), state, "openssl rand -hex 32")


def test_what_is_no_file_is_refused(state, tmp_path):
    """Without waiting for what a pipe will say."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        refused(ServiceSettings(admin_token_file=path), state, "not a regular file")
    refused(ServiceSettings(admin_token_file=tmp_path / "none"), state, "no such file")
    refused(ServiceSettings(reviewer_token_file=tmp_path / "none"), state, "no such file")


def test_a_made_file_that_was_opened_to_others_is_refused(state):
    path = load(ServiceSettings(), state).admin.path
    path.chmod(0o644)
    refused(ServiceSettings(), state, f"chmod 600 {path}")


def test_without_a_place_for_it_it_is_said_how_to_give_one(tmp_path):
    (tmp_path / "file").write_text("")
    environment = {STATE_VARIABLE: str(tmp_path / "file")}
    refused(ServiceSettings(), environment, f"set {STATE_VARIABLE} to a folder that can be written")


def test_the_state_folder_is_the_servers(monkeypatch, tmp_path):
    """One rule, written twice: the service does not import the server."""
    assert tokens.state_folder() == state_dir()
    monkeypatch.delenv(STATE_VARIABLE)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert tokens.state_folder() == state_dir() == tmp_path / "ocr-rollout"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tokens.state_folder() == state_dir()


def test_the_keys_are_read_from_the_configuration(tmp_path):
    """Relative to its folder; a path that is none is refused."""
    from ocr_client import ClientConfig, OCRError

    def read(**section):
        text = json.dumps({"service": section}).encode()
        return ClientConfig.from_bytes(text, name="c", folder=tmp_path).sections.records["service"]

    found = read(admin_token_file="a", reviewer_token_file="/b")
    assert found.admin_token_file == tmp_path / "a"
    assert str(found.reviewer_token_file) == "/b"
    assert read(admin_token_file=None).admin_token_file is None
    for wrong in (7, "", "a\0b", ["a"]):
        with pytest.raises(OCRError, match="admin_token_file"):
            read(admin_token_file=wrong)
