"""What another site's page can make a browser send, and by which names this service is called."""

import json
import socket

import pytest
from desk import Desk
from rollout_service import is_problem, serving

from ocr_client import ClientConfig, OCRError
from ocr_gateway.origins import foreign, host_of, host_pattern, known_host, origin

HOST = "127.0.0.1:5000"
HERE = f"http://{HOST}"
TRUSTED = "https://intranet.example.com"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, False),  # curl, a program
        ({"origin": HERE}, False),
        ({"origin": "http://127.0.0.1:5001"}, True),
        ({"origin": "http://localhost:5000"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": f"https://evil.example/{HERE}"}, True),
        ({"origin": f"{HERE}.evil.example"}, True),
        ({"origin": "null"}, True),  # a sandboxed frame, a file
        ({"origin": ""}, True),
        ({"origin": f"https://{HOST}"}, False),  # a proxy that ends TLS
        ({"origin": HERE.upper()}, False),
        ({"sec-fetch-site": "same-origin", "origin": HERE}, False),
        ({"sec-fetch-site": "none"}, False),  # typed by the user
        ({"sec-fetch-site": "same-site", "origin": HERE}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "cross-site", "origin": HERE}, True),
        ({"sec-fetch-site": "", "origin": HERE}, True),
        ({"sec-fetch-site": "cross-site", "origin": TRUSTED}, False),
        ({"origin": TRUSTED}, False),
        ({"origin": TRUSTED.upper()}, False),
        ({"origin": "http://intranet.example.com"}, True),  # not by TLS: anybody's
        ({"origin": f"{TRUSTED}:8443"}, True),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_page_of_another_origin_changes_nothing(headers, refused):
    given = {"host": HOST, **headers}
    assert foreign("POST", given, {TRUSTED}) is refused
    assert foreign("DELETE", given, {TRUSTED}) is refused
    assert not foreign("GET", given, set())


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("127.0.0.1:5000", True),
        ("127.0.0.1", True),
        ("[::1]:5000", True),
        ("192.168.7.9:80", True),  # an address cannot be made to point elsewhere
        ("localhost:5000", True),
        ("ocr.localhost", True),
        ("ocr:5000", True),  # a container's name, a host's of this network
        ("LOCALHOST", True),
        ("evil.example:5000", False),
        ("127.0.0.1.evil.example", False),
        ("localhost.evil.example", False),
        ("ocr.example.com", True),  # configured
        ("OCR.example.com:443", True),
        ("service.ocr.svc.cluster.local:5000", True),
        ("host.docker.internal", True),
        ("local.evil.example", False),
        ("a.corp.example.com", True),  # configured as *.corp.example.com
        ("corp.example.com", False),
        ("acorp.example.com", False),
        ("xocr.example.com", False),
        ("", False),
        ("a b", False),
        ("ocr:port", False),
        ("user@ocr", False),
        ("ocr/path", False),
        ("[::1", False),
        ("ocr,evil.example", False),
    ],
)
def test_names_of_the_public_dns_have_to_be_configured(header, known):
    assert known_host(header, ("ocr.example.com", "*.corp.example.com")) is known


def test_any_name_is_known_where_that_is_wanted():
    assert known_host("evil.example", ("*",))
    assert not known_host("", ("*",))


def test_a_host_is_read_without_its_port():
    assert host_of("[2001:DB8::1]:80") == "2001:db8::1"
    assert host_of("x" * 100_000 + "!") is None  # quickly


@pytest.mark.parametrize(
    ("parse", "good", "bad"),
    [
        (origin, ("https://a.example", "HTTP://A:80", "http://[::1]:5000"), ("a.example",)),
        (origin, (), ("https://a.example/", "https://*.example", "*", "null", "", 7, "ftp://a")),
        (host_pattern, ("a.example", "*.a.example", "*", "ocr"), ("a:80", "::1", "a.*", "", 7)),
        (host_pattern, (), ("http://a", "*a", "**", "a b")),
    ],
)
def test_what_is_configured_is_checked(parse, good, bad):
    for value in good:
        assert parse(value) == value.lower()
    for value in bad:
        with pytest.raises(ValueError, match=r"without a (port|path)"):
            parse(value)


def test_a_wrong_entry_is_refused_with_the_key():
    for section in ({"allowed_origins": ["*"]}, {"allowed_hosts": ["http://a"]}):
        text = json.dumps({"service": section}).encode()
        with pytest.raises(OCRError, match=next(iter(section))):
            ClientConfig.from_bytes(text, name="config.yaml", folder=None)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    section = f"service: {{allowed_origins: ['{TRUSTED}'], allowed_hosts: [ocr.example.com]}}"
    return Desk(tmp_path_factory.mktemp("origins"), f"rollout: {{id: r1}}\n{section}").started()


@pytest.fixture(scope="module")
def running(desk):
    with serving(desk.file) as running:
        yield running


@pytest.mark.parametrize("path", ["/ocr", "/ocr/batch", "/feedback", "/api/rollout/rollback"])
def test_no_address_takes_a_post_from_another_site(running, desk, path):
    """With the token, too: it is refused before anybody looks at one."""
    with running.caller() as ann:
        headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        answer = ann.post(path, json={"by": "ann", "reason": "x"}, headers=headers)
        assert "service.allowed_origins" in is_problem(answer, 403, "other-origin")
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["x-request-id"]
    assert desk.state.status == "running"


def test_the_pages_own_requests_are_taken(running):
    with running.caller() as ann:
        for headers in ({"Origin": running.url}, {"Sec-Fetch-Site": "same-origin"}):
            answer = ann.order("resume", by="ann", expect_generation=1)
            answer = ann.post(
                "/api/rollout/resume", json={"by": "ann", "expect_generation": 1}, headers=headers
            )
            is_problem(answer, 409, "refused")  # there is nothing to resume


def test_a_configured_page_reads_what_it_is_answered(running):
    """A browser asks first, as JSON and the token are no simple request."""
    with running.caller() as ann:
        asked = ann.options(
            "/ocr",
            headers={
                "Origin": TRUSTED,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization, content-type",
            },
        )
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == TRUSTED
        answer = ann.get("/api/rollout", headers={"Origin": TRUSTED})
        assert answer.headers["access-control-allow-origin"] == TRUSTED
        assert "access-control-allow-credentials" not in answer.headers
        stranger = ann.get("/api/rollout", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stranger.headers


def test_a_name_that_is_not_ours_is_refused(running):
    """A page whose own name points here (DNS rebinding), whatever it asks for."""
    with running.caller() as ann:
        for path in ("/", "/api/rollout", "/healthz", "/metrics", "/nothing"):
            answer = ann.get(path, headers={"Host": "evil.example:5000"})
            assert "service.allowed_hosts" in is_problem(answer, 421, "unknown-host")
        posted = ann.post("/ocr", headers={"Host": "evil.example", "Origin": "http://evil.example"})
        is_problem(posted, 421, "unknown-host")
        assert ann.get("/api/rollout", headers={"Host": "ocr.example.com"}).status_code == 200


def test_what_was_sent_is_shown_short_and_on_one_line(running):
    with running.caller() as ann:
        answer = ann.get("/", headers={"Host": "x." * 2_000})
        assert len(is_problem(answer, 421, "unknown-host")) < 300


def test_a_request_names_one_host(running):
    """Else a proxy might have gone by the other name."""
    for hosts in ("", "Host: a\r\nHost: evil.example\r\n"):
        port = int(running.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as made:
            made.sendall(f"GET /healthz HTTP/1.1\r\n{hosts}\r\n".encode())
            assert made.recv(100).startswith(b"HTTP/1.1 400 ")
