"""`ocrctl serve` as users start it: a process, its address, and what it says on stderr."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time

import httpx

OCRCTL = [sys.executable, "-m", "ocr_client.cli"]


class Serving:
    """One service on a free port. `get` and `post` keep their connections.

    said: the lines of stdout so far. The process is told to end when the block is left.
    """

    def __init__(self, config, *words, ready=True):
        self.said = []
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("OCR_ROLLOUT_")
        }
        environment["OCR_ROLLOUT_STATE"] = os.environ.get("OCR_ROLLOUT_STATE", str(config.parent))
        self._log = config.parent / f"stderr-{id(self)}.log"
        self._file = self._log.open("w")
        self.process = subprocess.Popen(
            [*OCRCTL, "serve", "--port", "0", "--config", str(config), *words],
            stdout=subprocess.PIPE,
            stderr=self._file,
            text=True,
            env=environment,
        )
        self.url = self._address()
        threading.Thread(target=self._listen, daemon=True).start()
        self.http = httpx.Client(base_url=self.url, timeout=30)
        if ready:
            self._be_ready()

    def _be_ready(self):
        try:
            assert self.http.get("/readyz").status_code == 200, self.log()
        except BaseException:
            self.__exit__()  # nobody else has it yet
            raise

    def _address(self):
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            name, _, value = line.strip().partition(" ")
            if name == "serving":
                return value.strip()
        self.process.wait(30)
        raise AssertionError(f"it did not serve: {self.said}\n{self.log()}")

    def _listen(self):
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))

    @property
    def port(self):
        return int(self.url.rpartition(":")[2])

    def log(self):
        return self._log.read_text()

    def records(self):
        """The log, each line of which is one JSON object."""
        return [json.loads(line) for line in self.log().splitlines()]

    def served(self, request_id):
        """The line of one request; it is written after the answer has left."""
        end = time.monotonic() + 20
        while True:
            found = [
                record
                for record in self.records()
                if record["logger"] == "ocr_gateway.access" and record["request_id"] == request_id
            ]
            if found or time.monotonic() > end:
                (only,) = found
                return only
            time.sleep(0.02)

    def post(self, path="/ocr", **more):
        return self.http.post(path, **more)

    def get(self, path, **more):
        return self.http.get(path, **more)

    def end(self, number=signal.SIGTERM, *, within_s=30):
        """Its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(within_s)
        finally:
            self.http.close()
            self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.end()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
