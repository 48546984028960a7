"""One client process of a soak: `python -m benchmarks.soak.caller JSON`.

Its threads ask at a steady rate and write down what became of each request. A line of JSON on
stdout a second is the ledger; commands come on stdin, one a line:

    force ARM...   from now on some requests are for these arms by name; none: no more
    clock SECONDS  Unix time is off by so much, for all Python code of this process
    end            finish what is under way, close the client, print the last ledger

It ends when its stdin does, so it never outlives who started it.
"""

from __future__ import annotations

import collections
import contextlib
import json
import logging
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

# The clock first: what is loaded after it takes its time for a default value.
from benchmarks.soak import clock
from benchmarks.soak.ledger import GRACE_MS, Ledger
from benchmarks.soak.material import Line, Material
from benchmarks.soak.order import Order

import ocr_client.session
from ocr_client import LineResult, OCRClient, OCRError
from ocr_rollout.core.outcomes import Outcome
from ocr_rollout.core.routing import Arm
from ocr_rollout.runtime import Member, View

REPORT_S: Final = 1.0
SLEEP_S: Final = 0.01
FORCED: Final = 10  # one of so many, while there is an arm to be asked by name
ENOUGH_S: Final = 0.05  # nobody asks again at once what has just failed
FLUSH_S: Final = 30.0  # for what was counted to reach the store, at the end


class Books:
    """The ledger, shared by the threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.ledger = Ledger()
        self.open: dict[str, float] = {}
        self.sleeper = Sleeper()

    def begin(self, request_id: str) -> None:
        with self.lock:
            self.ledger.begun += 1
            self.open[request_id] = time.monotonic()

    def end(self, request_id: str) -> None:
        """With the lock."""
        if self.open.pop(request_id, None) is None:
            self.ledger.twice += 1

    def recorded(self, view: View, series: str, outcome: Outcome) -> None:
        with self.lock:
            if view.counting:
                self.ledger.recorded[f"{view.state.epoch}/{series} {outcome}"] += 1
            else:
                self.ledger.uncounted[outcome] += 1


def watched(books: Books) -> type[Member]:
    """A `Member` that also writes down what it is told to count."""

    class Watched(Member):
        def record(
            self, view: View, series: str, outcome: Outcome, latency_ms: float, bucket: int
        ) -> None:
            books.recorded(view, series, outcome)
            super().record(view, series, outcome, latency_ms, bucket)

    return Watched


class Caller:
    """Threads that ask while it runs."""

    def __init__(self, order: Order, books: Books, client: OCRClient, material: Material) -> None:
        self.forced: tuple[Arm, ...] = ()
        self._order = order
        self._books = books
        self._client = client
        self._material = material
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(order.threads)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self, within_s: float) -> None:
        """What is still open after that counts as lost."""
        self._ended.set()
        deadline = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, number: int) -> None:
        chance = random.Random(f"{self._order.seed} {self._order.name} {number}")
        interval_s = self._order.threads / self._order.rate
        due_s = time.monotonic() + chance.random() * interval_s
        turn = 0
        while not self._ended.wait(max(0.0, due_s - time.monotonic())):
            turn += 1
            line = chance.choice(self._material.lines)
            arms = self.forced
            forced = chance.choice(arms) if arms and not turn % FORCED else None
            failed = self._ask(f"{self._order.name}-{number}-{turn}", line, forced, chance)
            if failed:
                self._ended.wait(ENOUGH_S)
            # What an outage held up is made up for, slowly: at most twice the rate.
            due_s = max(due_s + interval_s, time.monotonic() + interval_s / 2)
        self._client.close(thread_ends=True)

    def _ask(self, request_id: str, line: Line, forced: Arm | None, chance: random.Random) -> bool:
        user = f"user-{chance.randrange(10**9)}"
        deadline_ms = self._client.config.triton.deadline_s * 1e3
        self._books.begin(request_id)
        start = time.perf_counter()
        result: LineResult | OCRError
        try:
            result = self._client.recognize(
                line.gray, user_id=user, arm=forced, request_id=request_id
            )
        except OCRError as error:
            result = error
        took_ms = (time.perf_counter() - start) * 1e3
        with self._books.lock:
            self._books.end(request_id)
            self._written(result, request_id, line, forced, took_ms, deadline_ms)
        return isinstance(result, OCRError)

    def _written(
        self,
        result: LineResult | OCRError,
        request_id: str,
        line: Line,
        forced: Arm | None,
        took_ms: float,
        deadline_ms: float,
    ) -> None:
        ledger, over_ms = self._books.ledger, took_ms - deadline_ms
        ledger.slowest_ms = max(ledger.slowest_ms, took_ms)
        ledger.over_ms = max(ledger.over_ms, over_ms)
        if over_ms > GRACE_MS:
            now_s = time.perf_counter()
            starved_ms = self._books.sleeper.starved_ms(now_s - over_ms / 1e3, now_s)
            if over_ms - starved_ms > GRACE_MS:
                ledger.late += 1
                ledger.say(
                    f"late: {took_ms:.0f} ms, starved for {starved_ms:.0f}: {str(result)[:160]}"
                )
            else:
                ledger.starved += 1
        if isinstance(result, OCRError):
            ledger.failed += 1
            ledger.error_over_ms = max(ledger.error_over_ms, over_ms)
            name = type(result).__name__
            ledger.errors[f"{name} forced" if forced else name] += 1
            text = str(result)
            if not text.strip() or "\n" in text:
                ledger.unclear += 1
                ledger.say(f"unclear: {name}: {text!r}")
            return
        ledger.answered += 1
        if result.request_id != request_id:
            ledger.strange += 1
            ledger.say(f"{request_id} got the answer of {result.request_id}")
        if forced is not None:
            ledger.forced += 1
        else:
            ledger.by[f"{result.arm} {result.reason}"] += 1
        self._check(result, line, forced)

    def _check(self, result: LineResult, line: Line, forced: Arm | None) -> None:
        ledger = self._books.ledger
        said = f"{result.request_id}: {result.arm} ({result.reason}) said {result.text!r}"
        if forced is not None and result.arm != forced:
            ledger.wrong_arm += 1
            ledger.say(f"{said}; asked for {forced}")
        right = self._material.right(line, result.arm, result.text, result.confidence)
        if right:
            return
        owner = self._material.whose(line, result.text, result.confidence)
        if owner is not None and owner != result.arm:
            ledger.wrong_arm += 1
            ledger.say(f"{said}, which is {owner}'s")
        else:
            ledger.wrong_text += 1
            ledger.say(f"{said}; it is {self._material.told(line, result.arm)!r}")


class Sleeper:
    """A thread that does nothing but sleep, and how late it is woken: the machine's own share.

    Of its last seconds only; for all threads.
    """

    def __init__(self) -> None:
        self._late: collections.deque[tuple[float, float]] = collections.deque(maxlen=500)
        self.latest_ms = 0.0

    def run(self) -> None:
        while True:
            due_s = time.perf_counter() + SLEEP_S
            time.sleep(SLEEP_S)
            now_s = time.perf_counter()
            self.latest_ms = max(self.latest_ms, (now_s - due_s) * 1e3)
            self._late.append((due_s, now_s))

    def starved_ms(self, since_s: float, until_s: float) -> float:
        """For how long of that time it should have been awake, and was not."""
        # A copy first: it goes on adding.
        spans = [(max(due, since_s), min(woken, until_s)) for due, woken in list(self._late)]
        return sum(max(0.0, end - begin) for begin, end in spans) * 1e3


def _report(books: Books, client: OCRClient) -> None:
    """The ledger as it stands, with what the client says of itself."""
    ledger = books.ledger
    numbers = client.metrics()
    with books.lock:
        ledger.open = len(books.open)
        ledger.stalled_ms = books.sleeper.latest_ms
        ledger.unsent = round(numbers.get("ocr_client_store_unsent", 0))
        ledger.dropped = round(numbers.get("ocr_client_store_dropped_total", 0))
        ledger.repeats = round(numbers.get("ocr_client_store_repeats_total", 0))
        ledger.generation = max(ledger.generation, client.rollout.generation)
        ledger.refused = round(
            sum(n for key, n in numbers.items() if key.startswith("ocr_client_config_failures"))
        )
        mark = client.config.limits.max_pixels
        if ledger.configured[-1:] != [mark]:
            ledger.configured.append(mark)
        document = ledger.to_dict()
    print(json.dumps(document), flush=True)


def _obey(caller: Caller, lines: Sequence[str] | Iterator[str]) -> None:
    for line in lines:
        verb, *rest = line.split()
        if verb == "force":
            caller.forced = tuple(Arm.parse(arm) for arm in rest)
        elif verb == "clock":
            clock.off(float(rest[0]))
        elif verb == "end":
            return


def main() -> int:
    """One client process; see the module."""
    logging.getLogger("ocr_client").setLevel(logging.CRITICAL)
    order = Order(**json.loads(sys.argv[1]))
    books = Books()
    vars(ocr_client.session)["Member"] = watched(books)
    material = Material.load(order.material, seed=f"{order.seed} {order.name}")
    client = OCRClient.from_config(order.config)
    caller = Caller(order, books, client, material)
    caller.start()
    for target, arguments in ((books.sleeper.run, ()), (_obey, (caller, sys.stdin))):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
    while thread.is_alive():
        thread.join(REPORT_S)
        _report(books, client)
    caller.end(client.config.triton.deadline_s + 5)
    _settle(client)
    _report(books, client)  # closing forgets nothing, but the next look would begin anew
    health: Any = client._session.begin().member  # noqa: SLF001  # what is known after its end
    client.close()
    last = health.health()
    books.ledger.unsent, books.ledger.dropped = last.unsent, last.dropped
    books.ledger.repeats = last.repeats
    print(json.dumps(books.ledger.to_dict()), flush=True)
    return 0


def _settle(client: OCRClient) -> None:
    deadline = time.monotonic() + FLUSH_S
    while time.monotonic() < deadline:
        if not client.metrics().get("ocr_client_store_unsent", 0):
            return
        time.sleep(0.2)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        sys.exit(main())
