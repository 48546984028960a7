"""How long something takes, without the time in which this process was not let run.

A limit on a duration says that nothing waits for what it must not wait for. A machine with more to
do than cores stops every process for a second now and then, and that is nobody's waiting.
"""

import threading
import time

STEP_S = 0.01
MOST_S = 0.1  # of one step: what it took beyond that, this process was stopped


class Awake:
    """`with Awake() as took: ...; assert took.s < 1`. Both threads sleep; only one is counted.

    s: seconds of the block, at most; after a second on an idle machine, about a second.
    """

    def __enter__(self):
        self.s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._count, name="awake", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _count(self):
        before = time.monotonic()
        while not self._over.wait(STEP_S):
            now = time.monotonic()
            self.s += min(now - before, MOST_S)
            before = now
