"""What the tests of the reload share: sources that count, a watcher's receiver, a web server."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ocr_client.reload import FileSource, Watcher

LONG_S = 600.0  # a poll that never comes within a test


def until(condition, timeout_s=60.0):
    """Waits for it, and fails where it does not come."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


def text(number):
    """A configuration that tells itself apart: 1..64."""
    return f"triton: {{concurrency: {number}}}\n"


def replace(path, content):
    """As most editors and programs do: another file takes the name."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(content, "utf-8")
    beside.replace(path)


def config_map(folder, version, content):
    """Another version of a mounted ConfigMap, as the kubelet's AtomicWriter puts it there."""
    folder.mkdir(exist_ok=True)
    data = folder / f"..2024_{version}"
    data.mkdir()
    (data / "config.yaml").write_text(content, "utf-8")
    before = folder / "..data"
    old = before.resolve() if before.is_symlink() else None
    (folder / "..data_tmp").symlink_to(data.name)
    (folder / "..data_tmp").rename(before)
    if old is None:
        (folder / "config.yaml").symlink_to("..data/config.yaml")
    else:
        (old / "config.yaml").unlink()
        old.rmdir()


class CountingFile(FileSource):
    """Counts its reads. So patient that no machine is too busy to finish what it began to write."""

    patience_s = 60.0
    reads = 0

    def read(self):
        try:
            return super().read()
        finally:
            self.reads += 1


class Watched:
    """A watcher with all that it handed over: `numbers` of `text`, and the errors."""

    def __init__(self, source, *, poll_s=LONG_S, **options):
        self.source = source
        self.numbers = []
        self.errors = []
        options.setdefault("apply", self.take)
        apply = options.pop("apply")
        self.watcher = Watcher(source, apply, poll_s=poll_s, on_error=self.errors.append, **options)

    def take(self, config):
        self.numbers.append(config.triton.concurrency)

    @property
    def status(self):
        return self.watcher.status()

    def until_taken(self, number):
        """In use, and counted as such, which comes after."""
        until(
            lambda: (
                self.numbers[-1:] == [number]
                and self.status.error is None
                and self.status.generation >= len(self.numbers)
            )
        )

    def __enter__(self):
        self.watcher.start()
        if isinstance(self.source, CountingFile):  # the watch is there: no edit can be missed
            until(lambda: self.source.reads > 1)
        return self

    def __exit__(self, *_):
        self.watcher.close()


class Centre:
    """A real HTTP server that answers as `answer(request)` says: raw bytes, or None to hang up.

    asked: (path, headers) of each request.
    """

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        centre = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                centre.asked.append((self.path, dict(self.headers)))
                try:
                    for block in centre.answer(self):
                        self.wfile.write(block)
                        self.wfile.flush()
                except OSError:
                    pass  # the client had enough
                self.close_connection = True

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


def reply(body, status=200, **headers):
    """An HTTP answer in one block."""
    head = [f"HTTP/1.1 {status} Whatever"]
    headers.setdefault("Content-Length", str(len(body)))
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return [("\r\n".join(head) + "\r\n\r\n").encode() + body]


def document(content):
    """Serves `content()` with a strong ETag, and 304 to who has it."""

    def answer(request):
        body = content().encode()
        tag = f'"{hash(body)}"'
        if request.headers.get("If-None-Match") == tag:
            return reply(b"", 304, ETag=tag)
        return reply(body, ETag=tag)

    return answer


def new_threads(before):
    """Those that run now and did not: others' may end at any time. before: `threading.enumerate()`."""
    return set(threading.enumerate()) - set(before)


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))
