"""A server of a few lines that breaks the protocol on purpose, at the byte it is told to.

What a healthy and a failing Triton answers is tested against the real one elsewhere.
"""

import contextlib
import json
import socket
import threading

import numpy as np


def http(status, body, *, headers=""):
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(payload)}\r\n{headers}\r\n"
    return head.encode() + payload


def answer(codes, confidence):
    """A good answer as Triton writes it: JSON, then the two tensors."""
    tensors = {
        "codepoints": ("INT32", np.array([codes], np.int32)),
        "confidence": ("FP32", np.array([confidence], np.float32)),
    }
    outputs = [
        {
            "name": name,
            "datatype": kind,
            "shape": list(array.shape),
            "parameters": {"binary_data_size": array.nbytes},
        }
        for name, (kind, array) in tensors.items()
    ]
    head = json.dumps({"model_name": "crnn", "outputs": outputs}).encode()
    body = head + b"".join(array.tobytes() for _, array in tensors.values())
    return http(200, body, headers=f"Inference-Header-Content-Length: {len(head)}\r\n")


GOOD = answer([0, 65, 0, 66], [0.5, 0.5, 0.5, 0.5])
HANG = object()
CLOSE = object()
RESET = object()


class Scripted:
    """Answers the n-th request with the n-th step; a connection may carry several.

    A step is bytes to send, (bytes, CLOSE) to send and hang up, CLOSE, RESET or HANG; or a function
    that gives one of them when it is time.
    port: 0: a free one.
    """

    def __init__(self, *steps, port=0):
        self.steps = list(steps)
        self.requests = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", port))
        self.url = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open = []
        self._closed = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError), connection:
            while (request := self._request(connection)) and self.steps:
                self.requests.append(request)
                step = self.steps.pop(0)
                if callable(step):
                    step = step()
                if step is HANG:
                    self._closed.wait(30)
                    return
                if step is RESET:
                    linger = b"\1\0\0\0\0\0\0\0"  # close sends a reset
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                if step in (CLOSE, RESET):
                    return
                connection.sendall(step[0] if isinstance(step, tuple) else step)
                if isinstance(step, tuple):
                    return

    @staticmethod
    def _request(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            block = connection.recv(65536)
            if not block:
                return b""
            data += block
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self):
        self._closed.set()
        with contextlib.suppress(OSError):  # closing alone leaves it to who waits in accept
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
