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
LIMIT_S = 180  # of what happens in far less where the machine has time for it


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
        self.http = httpx.Client(base_url=self.url, timeout=LIMIT_S)
        if ready:
            self._be_ready()

    def _be_ready(self):
        """Asked again, as a balancer asks: a Triton that is busy for a second is not ready."""
        try:
            self.until(lambda: self.http.get("/readyz").status_code == 200, "it is not ready")
        except BaseException:
            self.__exit__()  # nobody else has it yet
            raise

    def _address(self):
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            name, _, value = line.strip().partition(" ")
            if name == "serving":
                return value.strip()
        self.process.wait(LIMIT_S)
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
        """The log, each line of which is one JSON object; the last one may not be all there yet."""
        whole, _, _ = self.log().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def served(self, request_id):
        """The line of one request; it is written after the answer has left."""

        def found():
            return [
                record
                for record in self.records()
                if record["logger"] == "ocr_gateway.access" and record["request_id"] == request_id
            ]

        self.until(found, f"no line of {request_id}")
        (only,) = found()
        return only

    def until(self, condition, what):
        """Waits for it; the limit only ends a test that has failed."""
        end = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < end, f"{what}\n{self.log()}"
            time.sleep(0.01)

    def until_under_way(self, reading, waiting=0):
        """Waits for so many requests at Triton, and so many whose turn has not come."""
        self.until(
            lambda: (
                self._gauges("ocr_service_reading", "ocr_service_waiting") == (reading, waiting)
            ),
            f"{reading} requests are not read while {waiting} wait",
        )

    def _gauges(self, *names):
        lines = self.http.get("/metrics").text.splitlines()
        found = dict(line.rsplit(" ", 1) for line in lines)
        return tuple(int(float(found[name])) for name in names)

    def post(self, path="/ocr", **more):
        return self.http.post(path, **more)

    def get(self, path, **more):
        return self.http.get(path, **more)

    def end(self, number=signal.SIGTERM, *, within_s=LIMIT_S):
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
