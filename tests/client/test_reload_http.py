"""A configuration over HTTP, from a real server that answers well, slowly, wrongly or not at all."""

import base64
import logging
import socket
import threading
import time

import pytest
from awake import Awake
from reloading import (
    Centre,
    Watched,
    descriptors,
    document,
    new_threads,
    replace,
    reply,
    text,
    until,
)

from ocr_client.errors import ConfigError
from ocr_client.reload import FileSource, HttpSource, Watcher, open_source
from ocr_client.reload.address import credentials, parse_address, shown

SECRET = "geheim-4711"


@pytest.fixture
def centre():
    servers = []

    def start(answer):
        servers.append(Centre(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class Held:
    """What a centre holds; may be set."""

    def __init__(self, content):
        self.content = content

    def __call__(self):
        return self.content


def source(url, **options):
    return HttpSource(url, environment={}, **options)


def test_a_change_is_found_by_its_etag(centre):
    """Unchanged, the server sends no body; changed, the next poll has it in use."""
    held = Held(text(1))
    server = centre(document(held))
    with Watched(source(server.url + "/c.yaml"), poll_s=0.05) as watched:
        until(lambda: len(server.asked) >= 4)
        tags = [headers.get("If-None-Match") for _, headers in server.asked]
        assert tags[0] is None
        assert all(tags[1:])
        assert watched.numbers == [1]
        held.content = text(2)
        started = time.monotonic()
        watched.until_taken(2)
        print(f"from edit to use, polled every 0.05 s: {time.monotonic() - started:.3f} s")
        assert watched.status.reloads == 1
        assert watched.status.source == server.url + "/c.yaml"


def test_without_an_etag_the_content_decides(centre):
    """The same content is no reload."""
    held = Held(text(1))
    server = centre(lambda request: reply(held().encode()))
    with Watched(source(server.url), poll_s=0.02) as watched:
        until(lambda: len(server.asked) >= 4)
        assert watched.status.generation == 1
        held.content = text(2)
        watched.until_taken(2)
        assert watched.numbers == [1, 2]
    assert not any("If-None-Match" in headers for _, headers in server.asked)


def test_json_is_read_as_well(centre):
    """It is YAML."""
    server = centre(lambda request: reply(b'{"triton": {"concurrency": 9}}'))
    assert Watcher(source(server.url), print).load().triton.concurrency == 9


CENTRES = {
    "Apollo": "/configfiles/raw/ocr/default/client.yaml",
    "Nacos": "/nacos/v1/cs/configs?dataId=ocr.yaml&group=DEFAULT_GROUP",
    "Consul": "/v1/kv/ocr/config?raw",
    "blanks and Chinese": "/配置/a b.yaml?dataId=识别",
}


@pytest.mark.parametrize("path", CENTRES.values(), ids=CENTRES.keys())
def test_the_urls_of_configuration_centres(centre, path):
    """Path and query arrive as they stand there, what HTTP cannot say percent-encoded."""
    server = centre(lambda request: reply(text(1).encode()))
    found = open_source(server.url + path)
    assert isinstance(found, HttpSource)
    found.read()
    asked = server.asked[0][0]
    assert asked.isascii()
    assert asked.startswith(("/configfiles/raw/", "/nacos/v1/cs/", "/v1/kv/", "/%E9%85%8D"))
    assert asked == path or "%20" in asked
    assert found.name == server.url + path


def drip(request):
    """One byte at a time, for ever."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    while True:
        yield b"#"
        time.sleep(0.02)


def drip_headers(request):
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X: y\r\n" if int(time.monotonic() * 50) % 90 == 0 else b"X"
        time.sleep(0.02)


def silence(request):
    """Until the client hangs up."""
    request.connection.recv(1)
    return []


def endless(request):
    yield b"HTTP/1.1 200 OK\r\n\r\n"
    while True:
        yield b"# and so on\n" * 10_000


def in_chunks(blocks):
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for block in blocks:
        yield f"{len(block):x}\r\n".encode() + block + b"\r\n"


SICK = {
    # name: (answer, words of the error)
    "500": (lambda request: reply(b"x", 500), "answers with HTTP 500"),
    "404": (lambda request: reply(b"config data not exist", 404), "holds no configuration"),
    "401": (lambda request: reply(b"", 401), "set OCR_ROLLOUT_CONFIG_USER and"),
    "403": (lambda request: reply(b"", 403), "OCR_ROLLOUT_CONFIG_TOKEN"),
    "304 unasked": (lambda request: reply(b"", 304), "answers with HTTP 304"),
    "redirect": (
        lambda request: reply(b"", 302, Location=f"https://u:{SECRET}@h/x?token={SECRET}"),
        "redirects to https://h/x?token=...; name that address",
    ),
    "odd redirect": (lambda request: reply(b"", 301, Location="http://[::"), "redirects to"),
    "slow body": (drip, "no whole answer within 0.5 s"),
    "slow headers": (drip_headers, "no whole answer within 0.5 s"),
    "silent": (silence, "no whole answer within 0.5 s"),
    "hangs up": (lambda request: [], "closed connection without response"),
    "no HTTP": (lambda request: [b"\x15\x03\x01\x00\x02\x02\x46"], "no whole HTTP answer"),
    "cut off": (
        lambda request: reply(text(5).encode(), Content_Length="400"),
        "no whole HTTP answer (IncompleteRead)",
    ),
    "cut off chunks": (
        lambda request: in_chunks([b"triton: {concurrency: 5}\n"]),
        "no whole HTTP answer (IncompleteRead)",
    ),
    "too long": (lambda request: reply(b"#" * (2 << 20)), "is longer than 65,536 bytes"),
    "endless": (endless, "is longer than 65,536 bytes"),
    "endless chunks": (
        lambda request: in_chunks(b"#" * 99_999 for _ in range(10**9)),
        "is longer than 65,536 bytes",
    ),
    "empty": (lambda request: reply(b" \n"), "answers with nothing"),
    "compressed": (lambda request: reply(b"\x1f\x8b", Content_Encoding="gzip"), "in 'gzip'"),
    "a page": (lambda request: reply(b"<!DOCTYPE html>\n<html><p>Log in"), "not a mapping"),
    "garbage": (lambda request: reply(bytes(range(256))), "not YAML"),
    "a mistake": (lambda request: reply(b"triton: {concurrency: 0}"), "concurrency: 0 is not"),
}


@pytest.mark.parametrize("name", SICK)
def test_a_sick_server_changes_nothing(centre, name):
    """The error is one line, in bounded time and memory, said once; a well server ends it."""
    sick, words = SICK[name]
    server = centre(lambda request: reply(text(1).encode()))
    threads = threading.enumerate()
    asked = source(server.url + f"/c?token={SECRET}", timeout_s=60)
    with Watched(asked, poll_s=0.02) as watched:
        if words.endswith("0.5 s"):
            asked._timeout_s = 0.5  # only now: the well server's first answer may take its time
        server.answer = sick
        until(lambda: watched.status.error is not None)
        count = len(server.asked)
        until(lambda: len(server.asked) > count + 1)
        (error,) = watched.errors
        assert error == watched.status.error
        assert error.startswith(f"{server.url}/c?token=...: ")
        assert words in error
        assert "\n" not in error
        assert SECRET not in error
        assert watched.numbers == [1]
        assert watched.status.failures == 1
        asked._timeout_s = 60
        server.answer = lambda request: reply(text(2).encode())
        watched.until_taken(2)
    until(lambda: not new_threads(threads))


def test_a_server_that_was_away(centre):
    """Nothing listens at first: the first read raises; one that goes away is missed, no more."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/c"
        with pytest.raises(ConfigError, match="nothing answers at this address") as caught:
            Watcher(source(url), print).start()
        assert str(caught.value).startswith(f"{url}: ")
    server = centre(lambda request: reply(text(1).encode()))
    with Watched(source(server.url), poll_s=0.02) as watched:
        server.close()
        # a connection that the server had not taken yet was reset
        until(lambda: "nothing answers" in (watched.status.error or ""))
        assert watched.numbers == [1]


@pytest.mark.parametrize("answer", [silence, drip, drip_headers])
def test_closing_does_not_wait_for_an_answer(centre, answer):
    """The request under way ends, and so does the thread."""
    server = centre(lambda request: reply(text(1).encode()))
    threads = threading.enumerate()
    watched = Watched(source(server.url, timeout_s=60), poll_s=0.01)
    with watched:
        server.answer = answer
        count = len(server.asked)
        until(lambda: len(server.asked) > count)
        with Awake() as took:
            watched.watcher.close()
    assert took.s < 1
    assert watched.errors == []
    until(lambda: not new_threads(threads))  # neither the watcher's nor, for long, the server's


def test_a_hundred_polls_leave_nothing_open(centre):
    """No socket, no thread."""
    server = centre(document(Held(text(1))))
    asked, threads = source(server.url), threading.enumerate()
    asked.read()
    until(lambda: not new_threads(threads))
    before = descriptors()
    for _ in range(100):
        asked.read()
    until(lambda: descriptors() <= before)


LOGINS = {
    "basic": (
        {"OCR_ROLLOUT_CONFIG_USER": "ocr", "OCR_ROLLOUT_CONFIG_PASSWORD": SECRET},
        ("Authorization", "Basic " + base64.b64encode(f"ocr:{SECRET}".encode()).decode()),
    ),
    "bearer": ({"OCR_ROLLOUT_CONFIG_TOKEN": SECRET}, ("Authorization", f"Bearer {SECRET}")),
    "header": (
        {
            "OCR_ROLLOUT_CONFIG_TOKEN": SECRET,
            "OCR_ROLLOUT_CONFIG_TOKEN_HEADER": "X-Consul-Token",
        },
        ("X-Consul-Token", SECRET),
    ),
}


@pytest.mark.parametrize("name", LOGINS)
def test_who_asks_is_said_to_the_server_and_to_nobody_else(centre, name, caplog):
    """The secret is in no log, no error, no status and no repr."""
    environment, (header, value) = LOGINS[name]

    def guarded(request):
        given = request.headers.get(header) == value
        return reply(text(1).encode()) if given else reply(b"", 401)

    server = centre(guarded)
    asked = HttpSource(server.url + f"/c?accessToken={SECRET}&dataId=x", environment=environment)
    with caplog.at_level(logging.DEBUG), Watched(asked, poll_s=0.02) as watched:
        assert watched.numbers == [1]
        server.answer = lambda request: reply(b"", 500)
        until(lambda: watched.status.error is not None)
        said = f"{caplog.text}{watched.status}{watched.errors}{asked!r}{asked._address!r}"
    assert "accessToken=...&dataId=x: answers with HTTP 500" in said
    assert SECRET not in said
    assert SECRET in server.asked[0][0]
    with pytest.raises(ConfigError, match="refuses access"):
        source(centre(guarded).url).read()


WRONG_LOGINS = {
    "both": (
        {"OCR_ROLLOUT_CONFIG_USER": "a", "OCR_ROLLOUT_CONFIG_TOKEN": SECRET},
        "are both set; set one",
    ),
    "colon": ({"OCR_ROLLOUT_CONFIG_USER": f"a:{SECRET}"}, "holds a colon"),
    "line break": ({"OCR_ROLLOUT_CONFIG_TOKEN": f"{SECRET}\n"}, "line break"),
    "blank": ({"OCR_ROLLOUT_CONFIG_TOKEN": f"Bearer {SECRET}"}, "a blank"),
    "header": (
        {"OCR_ROLLOUT_CONFIG_TOKEN": SECRET, "OCR_ROLLOUT_CONFIG_TOKEN_HEADER": "a: b"},
        "is no name of a header",
    ),
}


@pytest.mark.parametrize("name", WRONG_LOGINS)
def test_credentials_that_cannot_be_sent_are_refused(name):
    """By the variable's name, never its value."""
    environment, words = WRONG_LOGINS[name]
    with pytest.raises(ConfigError, match=words) as caught:
        credentials(environment)
    assert SECRET not in str(caught.value)
    assert "OCR_ROLLOUT_CONFIG_" in str(caught.value)


WRONG_URLS = {
    f"http://u:{SECRET}@h/x": "http://h/x: holds a user or a password; set OCR_ROLLOUT_CONFIG_USER",
    "http://": "is no URL; accepted: http://HOST:PORT/PATH",
    "http:///x": "is no URL",
    "http://h:0/x": "is no URL",
    "http://h:99999/": "is no URL",
    "http://h:x/": "is no URL",
    "http://[::1/": "is no URL",
    "http://a b/": "is no URL",
    "http://a..b/": "is no URL",
    "ftp://h/x": "ftp://: is not accepted; accepted: a file, http:// or https://",
    "file:///x": "file://: is not accepted",
}


@pytest.mark.parametrize("url", WRONG_URLS)
def test_an_address_that_cannot_be_asked_is_refused(url):
    """In one line, before anything is asked."""
    with pytest.raises(ConfigError) as caught:
        open_source(url)
    assert WRONG_URLS[url] in str(caught.value)
    assert SECRET not in str(caught.value)


def test_addresses():
    """Default ports, IPv6, what is asked and what is shown."""
    found = parse_address("https://[::1]/a?x=1#part")
    assert (found.secure, found.host, found.port, found.target) == (True, "::1", 443, "/a?x=1")
    assert parse_address("http://bücher.example").host == "xn--bcher-kva.example"
    assert parse_address("http://h:8080").target == "/"
    assert shown("http://h/v1/kv/a?raw&token=x&dc=eu") == "http://h/v1/kv/a?raw&token=...&dc=eu"
    assert isinstance(open_source("config.yaml"), FileSource)
    assert isinstance(open_source("c:/odd/name.yaml"), FileSource)


def test_an_unknown_host_is_one_line():
    """`.invalid` is nobody's (RFC 6761)."""
    with pytest.raises(ConfigError, match=r"no-such-host\.invalid/x: "):
        source("http://no-such-host.invalid/x").read()


def test_tls_to_a_server_without_it_is_one_line(centre):
    """And one whose name or certificate is not trusted is refused likewise."""
    server = centre(lambda request: reply(b"x"))
    with pytest.raises(ConfigError) as caught:
        source(server.url.replace("http:", "https:"), timeout_s=2).read()
    assert "\n" not in str(caught.value)


def test_a_file_and_a_url_say_the_same(centre, tmp_path):
    """One content, one digest."""
    server = centre(lambda request: reply(text(3).encode()))
    replace(tmp_path / "c.yaml", text(3))
    watchers = [Watcher(open_source(where), print) for where in (server.url, tmp_path / "c.yaml")]
    assert watchers[0].load() == watchers[1].load()
    assert watchers[0].status().digest == watchers[1].status().digest
