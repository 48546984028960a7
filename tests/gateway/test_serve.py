"""`ocrctl serve` as operators know it: how it begins, what it says, how it ends."""

import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from serving_process import LIMIT_S, OCRCTL

from ocr_client.settings import CANDIDATE, STABLE

pytestmark = pytest.mark.server

NOWHERE = "127.0.0.1:9"  # the discard port: nothing listens there
PNG = {"Content-Type": "image/png"}
LONG_S = 600  # nothing in these tests waits until then


def refused(*words, folder):
    """One line on stderr, nothing served, exit code 1."""
    done = subprocess.run(
        [*OCRCTL, "serve", "--port", "0", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
        cwd=folder,
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    (line,) = done.stderr.splitlines()
    return line.removeprefix("ocrctl: ")


def in_time(condition, what, within_s=LIMIT_S):
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


class Asking:
    """A request under way in a thread of its own."""

    def __init__(self, serving, sample, name):
        self.answer = None
        self._call = lambda: serving.post(
            content=sample, headers={**PNG, "X-Request-Id": name}, timeout=2 * LIMIT_S
        )
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self):
        try:
            self.answer = self._call()
        except Exception as error:  # noqa: BLE001  # what became of it is what is asked
            self.answer = error

    def ended(self, within_s=LIMIT_S):
        self._thread.join(within_s)
        assert not self._thread.is_alive()
        return self.answer


def test_it_says_where_it_is_and_who_answers(serve, triton):
    """Address, pages, the token's file and never the token, routing, Triton."""
    serving = serve(triton.http_url)
    said = {line.split()[0]: line for line in serving.said + _rest(serving)}
    assert serving.url in said["serving"]
    assert "/rollout" in said["pages"]
    assert f"{CANDIDATE} has 10 %, {STABLE} the rest" in said["routing"]
    assert f"{triton.http_url} answers" in said["Triton"]
    token = Path(said["admin"].rpartition(" in ")[2])
    assert token.stat().st_mode & 0o077 == 0
    assert token.read_text().strip() not in "".join(said.values()) + serving.log()


def _rest(serving):
    in_time(lambda: any("stop" in line for line in serving.said), serving.said)
    return serving.said


def test_the_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused("--port", port, folder=tmp_path)
    assert line == (
        f"cannot listen at 127.0.0.1:{port}: address already in use; "
        "another --port, or 0 for a free one"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--config", "none.yaml"], "none.yaml: no such file or directory"),
        (["--config", "bad.yaml"], "service.queue: -1 is not accepted; accepted: a whole number"),
        (["--model", "resnet"], "accepted: convnext, crnn"),
        (["--url", "http://x"], "--url: 'http://x' is not accepted; accepted: HOST:PORT"),
        (["--host", "no.such.host.invalid"], "cannot listen at no.such.host.invalid:0"),
    ],
)
def test_what_it_cannot_begin_with(tmp_path, words, text):
    (tmp_path / "bad.yaml").write_text("service: {queue: -1}")
    assert text in refused(*words, folder=tmp_path)


def test_without_triton_it_serves_and_says_that_it_is_not_ready(serve, sample):
    """503 with a reason and no address, until Triton is there; the process itself is well."""
    serving = serve(NOWHERE, ready=False)
    assert "NOT READY" in next(line for line in _rest(serving) if "Triton" in line)
    assert serving.get("/healthz").status_code == 200
    started = time.monotonic()
    ready = serving.get("/readyz")
    assert time.monotonic() - started < 3
    assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")
    assert ready.json()["type"].endswith(":not-ready")
    read = serving.post(content=sample, headers=PNG)
    assert (read.status_code, read.headers["retry-after"]) == (503, "2")
    assert NOWHERE not in ready.text + read.text
    assert NOWHERE in serving.log()
    told = [record for record in serving.records() if record["message"].startswith("not ready")]
    assert len(told) == 1, "once, however often it is asked"


def test_it_is_ready_again_when_triton_is(serve, held):
    """Held answers are no answers: within two seconds, and a second after they come again."""
    serving = serve(held.url)
    held.hold()
    in_time(lambda: serving.get("/readyz").status_code == 503, "it stays ready")
    held.release()
    in_time(lambda: serving.get("/readyz").status_code == 200, "it stays not ready")


def test_one_model_answers_everything(serve, triton, sample):
    """As the configuration names its version, and the caller may not say otherwise."""
    serving = serve(triton.http_url, "{}", "--model", "crnn")
    assert f"off: {CANDIDATE} answers everything" in next(
        line for line in _rest(serving) if "routing" in line
    )
    for user in range(5):
        answer = serving.post(content=sample, headers={**PNG, "X-User-Id": str(user)}).json()
        assert answer["arm"] == {"model": CANDIDATE.model, "version": CANDIDATE.version}
        assert answer["reason"] == "forced"
    assert serving.post(f"/ocr?arm={CANDIDATE}", content=sample, headers=PNG).status_code == 200
    other = serving.post(f"/ocr?arm={STABLE}", content=sample, headers=PNG)
    assert other.status_code == 404
    assert f"{CANDIDATE} only" in other.json()["detail"]


def test_a_new_configuration_is_taken_over(serve, triton, sample):
    """While it runs; `--url` stays what the command line says; a mistake changes nothing."""
    serving = serve(NOWHERE, "{}", "--url", triton.http_url)
    config = Path(serving.process.args[serving.process.args.index("--config") + 1])

    def arms():
        answers = [
            serving.post(content=sample, headers={**PNG, "X-User-Id": str(user)}).json()
            for user in range(6)
        ]
        return {answer["arm"]["model"] for answer in answers}

    share = "model_routing: {gray_scale_ratio: 1}"
    _replace(config, f"triton: {{urls: ['{NOWHERE}']}}\nservice: {{}}\n{share}\n")
    in_time(lambda: arms() == {"crnn"}, "the share stays")
    _replace(config, f"service: {{queue: -1}}\n{share.replace('1', '0')}\n")
    in_time(lambda: "service.queue" in serving.log(), "the mistake is not told")
    assert arms() == {"crnn"}


def _replace(path, text):
    """At once: half a file may be a good one that says something else."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def test_workers_share_an_address(serve, triton, sample):
    """Several processes answer; SIGTERM ends all of them."""
    serving = serve(triton.http_url, "{}", "--workers", "2")
    for _ in range(4):
        assert serving.post(content=sample, headers=PNG).status_code == 200
    children = _children(serving.process.pid)
    assert len(children) >= 2
    assert serving.end() == 0
    in_time(lambda: not any(map(_alive, children)), "a worker is left behind")


def _children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_sigterm_finishes_what_runs(serve, held, sample):
    """Nothing new is taken meanwhile; the answer comes whole; the exit code is 0."""
    serving = serve(held.url, f"{{drain_s: {LONG_S}}}", deadline_s=LONG_S)
    assert serving.post(content=sample, headers=PNG).status_code == 200
    held.hold()
    asking = Asking(serving, sample, "running")
    serving.until_under_way(1)
    serving.process.send_signal(signal.SIGTERM)
    in_time(lambda: not _listens(serving.port), "it still listens")
    assert serving.process.poll() is None, "it waits"
    held.release()
    answer = asking.ended()
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert serving.process.wait(LIMIT_S) == 0
    assert serving.served("running")["status"] == 200
    assert "Traceback" not in serving.log()


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_what_does_not_end_is_given_up_after_drain_s(serve, held, sample):
    serving = serve(held.url, "{drain_s: 1}", deadline_s=LONG_S)
    held.hold()
    asking = Asking(serving, sample, "stuck")
    serving.until_under_way(1)
    started = time.monotonic()
    assert serving.end() == 0
    assert time.monotonic() - started > 0.9
    answer = asking.ended()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert serving.served("stuck")["status"] == 503
    assert "Traceback" not in serving.log()


def test_a_second_ctrl_c_does_not_wait(serve, held, sample):
    """The first one waits for what runs; both end with the code of an interruption."""
    serving = serve(held.url, f"{{drain_s: {LONG_S}}}", deadline_s=LONG_S)
    held.hold()
    asking = Asking(serving, sample, "long")
    serving.until_under_way(1)
    serving.process.send_signal(signal.SIGINT)
    in_time(lambda: not _listens(serving.port), "it still listens")  # else both would be one
    assert serving.process.poll() is None
    assert serving.end(signal.SIGINT) == 130
    answer = asking.ended()
    assert isinstance(answer, Exception) or answer.status_code == 503


def test_what_was_counted_is_in_the_store_when_it_has_ended(serve, triton, sample):
    """SIGTERM loses no outcome of the last second."""
    serving = serve(
        triton.http_url, more="store: {url: 'sqlite:///rollout.db'}\nrollout: {id: counted}"
    )
    for _ in range(3):
        assert serving.post(content=sample, headers=PNG).status_code == 200
    assert serving.end() == 0
    config = serving.process.args[serving.process.args.index("--config") + 1]
    assert (Path(config).parent / "rollout.db").stat().st_size > 0


def test_a_caller_that_goes_away_frees_its_place(serve, held, sample):
    """Who waits and hangs up is never read, and its place is another's."""
    section = f"{{concurrency: 1, queue: 1, wait_s: {LONG_S}}}"
    serving = serve(held.url, section, deadline_s=LONG_S)
    held.hold()
    running = Asking(serving, sample, "running")
    serving.until_under_way(1)
    request = (
        f"POST /ocr HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nX-Request-Id: left\r\n"
        f"Content-Length: {len(sample)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", serving.port)) as waiting:
        waiting.sendall(request + sample)
        serving.until_under_way(1, waiting=1)
        assert serving.post(content=sample, headers=PNG).status_code == 503, "no place is left"
    assert serving.served("left")["status"] == 499
    patient = Asking(serving, sample, "patient")
    serving.until_under_way(1, waiting=1)
    held.release()
    assert running.ended().status_code == patient.ended().status_code == 200
