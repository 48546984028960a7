"""Who may do what: tokens on every request under `/api`, and patience with wrong ones."""

import logging
import socket
import time
from pathlib import Path

import pytest
from desk import Desk
from rollout_service import Caller, is_problem, serving

from ocr_gateway.failures import ADDRESSES, BURST, EVERY_S, Failures, network

REVIEWER = "reviewers-may-not-order"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("access")
    (folder / "reviewers").write_text(f"{REVIEWER}\n")
    (folder / "reviewers").chmod(0o600)
    return Desk(folder, "rollout: {id: r1}\nservice: {reviewer_token_file: reviewers}").started()


@pytest.fixture(scope="module")
def running(desk):
    with serving(desk.file) as running:
        yield running


@pytest.fixture(autouse=True)
def _patience(running):
    """Each test has wrong tokens of its own to send."""
    running.service.access._failures._debts.clear()


def guarded(running):
    """(method, path) of all routes of the application under /api."""
    paths = running.server.config.app.openapi()["paths"]
    found = [
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, methods in paths.items()
        if path.startswith("/api")
        for method in methods
    ]
    assert len(found) >= 10
    return found


def test_nothing_under_api_is_told_without_a_token(running):
    """Every route there is, also those that come later; in particular, being on loopback is none."""
    with running.caller(None) as nobody:
        for method, path in guarded(running):
            answer = nobody.request(method, path, json={})
            is_problem(answer, 401, "no-token")
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_wrong_token_opens_nothing(running):
    running.service.access._failures = Failures(clock=iter(range(0, 10**6, 60)).__next__)
    try:
        for method, path in guarded(running):
            for given in ("Bearer x", f"Bearer {running.admin}x", f"Basic {running.admin}"):
                with running.caller(None) as caller:
                    answer = caller.request(method, path, json={}, headers={"Authorization": given})
                    is_problem(answer, 401, "wrong-token")
    finally:
        running.service.access._failures = Failures()


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Bearer",
        "{token}",
        "Bearer {token} x",
        "Bearer {token},",
        "Token {token}",
        "Bearer " + "x" * 5_000,
        "Bearer \xe4\xf6",
    ],
    ids=repr,
)
def test_a_header_that_is_not_the_token_is_refused(running, given):
    with running.caller(None) as caller:
        headers = {"Authorization": given.format(token=running.admin).encode("latin-1")}
        is_problem(caller.get("/api/whoami", headers=headers), 401, "wrong-token")


def test_a_token_in_the_address_or_a_cookie_is_none(running):
    with running.caller(None) as caller:
        for words in ({"params": {"token": running.admin, "access_token": running.admin}},):
            is_problem(caller.get("/api/whoami", **words), 401, "no-token")
        headers = {"Cookie": f"token={running.admin}; Authorization={running.admin}"}
        is_problem(caller.get("/api/whoami", headers=headers), 401, "no-token")


def test_the_right_ones_say_who_it_is(running):
    for role in ("admin", "reviewer"):
        with running.caller(role) as caller:
            assert caller.get("/api/whoami").json() == {"success": True, "role": role}
    with running.caller(None) as caller:
        headers = {"Authorization": f"bearer  {running.admin}"}  # schemes have no case
        assert caller.get("/api/whoami", headers=headers).json()["role"] == "admin"


def test_a_reviewer_looks_and_does_not_order(running, desk):
    orders = [path for method, path in guarded(running) if "/rollout/" in path and method == "POST"]
    assert len(orders) == 5
    with running.caller("reviewer") as reviewer:
        for path in ("", "/history", "/series"):
            assert reviewer.get(f"/api/rollout{path}").status_code == 200
        for path in orders:
            body = {"by": "ann", "reason": "x", "expect_generation": 1}
            is_problem(reviewer.post(path, json=body), 403, "not-allowed")
    assert (desk.state.status, len(desk.history())) == ("running", 1)


def test_wrong_tokens_are_waited_for(running, monkeypatch):
    """After some at once, not even the right one is looked at; then it is."""
    clock = Clock()
    monkeypatch.setattr(running.service.access, "_failures", Failures(clock))
    with running.caller("x" * 30) as stranger, running.caller() as ann:
        for _ in range(BURST):
            is_problem(stranger.get("/api/rollout"), 401, "wrong-token")
        for caller in (stranger, ann):
            answer = caller.get("/api/rollout")
            is_problem(answer, 429, "too-many-attempts")
            assert 0 < int(answer.headers["retry-after"]) <= EVERY_S
        assert ann.get("/healthz").status_code == 200
        clock.now += EVERY_S
        assert ann.get("/api/rollout").status_code == 200


def test_who_has_no_token_yet_uses_up_no_patience(running):
    """A page that asks for one, again and again."""
    with running.caller(None) as nobody, running.caller() as ann:
        for _ in range(3 * BURST):
            is_problem(nobody.get("/api/rollout"), 401, "no-token")
        assert ann.get("/api/whoami").status_code == 200


def test_no_token_comes_into_a_log(running, caplog):
    caplog.set_level(logging.DEBUG)
    with running.caller() as ann, running.caller("x" * 30) as stranger:
        ann.get("/api/rollout", params={"a": 1})
        stranger.get("/api/rollout")
    said = "\n".join(
        str(record.__dict__) for record in caplog.records if "httpx" not in record.name
    )
    assert "/api/rollout" in said
    assert running.admin not in said
    assert "x" * 30 not in said


def test_the_body_is_not_judged_before_the_token(running):
    """Who may not order learns nothing about what an order looks like."""
    with running.caller(None) as nobody:
        is_problem(nobody.post("/api/rollout/rollback", json={"nonsense": 1}), 401, "no-token")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_patience_is_by_address_and_comes_back():
    clock = Clock()
    failures = Failures(clock)
    for _ in range(BURST):
        assert failures.wait_s("10.0.0.1") == 0
        failures.failed("10.0.0.1")
    assert failures.wait_s("10.0.0.1") == EVERY_S
    assert failures.wait_s("10.0.0.2") == 0
    clock.now += EVERY_S / 2
    assert failures.wait_s("10.0.0.1") == EVERY_S / 2
    clock.now += EVERY_S / 2
    assert failures.wait_s("10.0.0.1") == 0
    failures.failed("10.0.0.1")  # one more
    assert failures.wait_s("10.0.0.1") == EVERY_S
    clock.now += BURST * EVERY_S
    for _ in range(BURST):  # all of it is back
        assert failures.wait_s("10.0.0.1") == 0
        failures.failed("10.0.0.1")


def test_guessing_for_a_day_is_a_few_thousand_tries():
    clock, tries = Clock(), 0
    failures = Failures(clock)
    while clock.now < 86_400:
        wait_s = failures.wait_s("10.0.0.1")
        if wait_s:
            clock.now += wait_s
        else:
            tries += 1
            failures.failed("10.0.0.1")
    assert tries <= BURST + 86_400 / EVERY_S + 1


def test_addresses_that_are_remembered_are_bounded():
    failures = Failures(Clock())
    for number in range(2 * ADDRESSES):
        failures.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(failures._debts) == ADDRESSES


@pytest.mark.parametrize(
    ("peer", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_an_ipv6_customer_is_one(peer, counted):
    assert network(peer) == counted


def test_a_request_without_a_body_that_was_announced_is_not_waited_for(running):
    """Who has no token cannot hold a connection with a body that never comes, or not for long."""
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(b"GET /api/rollout HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n")
        began = time.monotonic()
        assert line.recv(1_000).startswith(b"HTTP/1.1 401")
        assert time.monotonic() - began < 10


@pytest.mark.server
@pytest.mark.slow  # three processes begin
def test_workers_take_one_token_and_say_where_it_lies(triton, serve):
    """Two processes made it together; neither what they print nor their log holds it."""
    one = serve(triton.http_url, "{}", "--workers", "2", more="rollout: {id: r1}")
    (line,) = [line for line in one.said if line.strip().startswith("admin ")]
    path = Path(line.rpartition("token in ")[2])
    token = path.read_text().strip()
    answered = set()
    for _ in range(40):  # each on a connection of its own, which either may take
        with Caller(one.url, token) as ann:
            assert ann.get("/api/whoami").json()["role"] == "admin"
            answered.add(ann.get("/api/rollout").status_code)
    assert answered == {200}
    assert token not in one.log()
    assert not any(token in line for line in one.said)
