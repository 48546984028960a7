"""A TCP relay in front of a real Triton that can hold its answers back."""

import contextlib
import socket
import threading


class Held:
    """url: where clients go instead. `hold` keeps answers back until `release`.

    What is held cannot be over before a test has looked, however seldom it gets a processor.
    """

    def __init__(self, triton_url):
        host, _, port = triton_url.rpartition(":")
        self._upstream = (host, int(port))
        self._open = threading.Event()
        self._open.set()
        self._lock = threading.Lock()
        self._passing = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, *, after=0):
        """after: so many pieces still pass; an answer is one, if it is not long."""
        with self._lock:
            self._passing = after
            self._open.clear()

    def release(self):
        self._open.set()

    def close(self):
        self.release()
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._upstream)
                self._sockets += [near, far]
                for source, sink, gate in ((near, far, None), (far, near, self._wait)):
                    threading.Thread(target=_pump, args=(source, sink, gate), daemon=True).start()

    def _wait(self):
        with self._lock:
            if self._passing > 0:
                self._passing -= 1
                return
        self._open.wait()


def _pump(source, sink, gate):
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            if gate is not None:
                gate()
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
