"""One HTTP question and its answer, which has to be over in time, however slowly it comes."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Container, Mapping, Sequence
from typing import Final

ANY_STATUS: Final = range(1_000)


class Exchange:
    """Used once, by one thread; `abort` by any other. No redirect is followed, no proxy used.

    timeout_s: for all of it, from looking the host up to the answer's last byte. A look-up itself
        cannot be cut short, but nothing is sent after one that took too long.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        secure: bool,
        timeout_s: float,
        connect_to: Sequence[str] | None = None,
    ) -> None:
        """connect_to: IP addresses to try in this order, instead of looking the host up."""
        self._connection = (
            http.client.HTTPSConnection(
                host, port, timeout=timeout_s, context=ssl.create_default_context()
            )
            if secure
            else http.client.HTTPConnection(host, port, timeout=timeout_s)
        )
        if connect_to is not None:
            # The one seam that http.client has for it; TLS still asks for the host by its name.
            self._connection._create_connection = _connecting(tuple(connect_to))  # type: ignore[attr-defined]  # noqa: SLF001
        self._timeout_s = timeout_s
        self._end = time.monotonic() + timeout_s
        self._socket: socket.socket | None = None
        self._aborted = False
        self._timed_out = False

    def ask(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        most_bytes: int,
        wanted: Container[int] = ANY_STATUS,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """The answer, and up to most_bytes + 1 of its content. Raises OSError or HTTPException.

        wanted: statuses whose content is read; of the others it is empty.
        """
        self._connection.connect()
        # the response takes it over from the connection, so keep it where `abort` finds it
        self._socket = self._connection.sock
        left_s = self._end - time.monotonic()
        if left_s <= 0:
            self._timed_out = True
            raise TimeoutError
        timer = threading.Timer(left_s, self._time_out)
        timer.daemon = True
        timer.start()
        try:
            if self._aborted:
                raise ConnectionAbortedError("closed")
            self._connection.request(method, target, body=body, headers=dict(headers))
            answer = self._connection.getresponse()
            content = answer.read(most_bytes + 1) if answer.status in wanted else b""
        finally:
            timer.cancel()
        # An abort, and a server that hangs up early, look like the end of the content.
        if self._timed_out or self._aborted:
            raise TimeoutError
        if answer.length and len(content) <= most_bytes and answer.status in wanted:
            raise http.client.IncompleteRead(content, answer.length)
        return answer, content

    def abort(self) -> None:
        """From another thread. Safe at any time."""
        self._aborted = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                # past SSLSocket's own, which would take TLS away from under the reader
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def close(self) -> None:
        self._connection.close()
        if self._socket is not None:
            self._socket.close()

    def reason(self, error: Exception) -> str:
        """What `ask` raised, in words for people; nothing of the address is in them."""
        if isinstance(error, TimeoutError) or self._timed_out:
            return f"no whole answer within {self._timeout_s:.3g} s"
        if isinstance(error, ConnectionRefusedError):
            return "nothing answers at this address; is the server running?"
        if isinstance(error, socket.gaierror):
            return "this host is not known; is it spelt right?"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"{error.verify_message}; SSL_CERT_FILE names certificates to trust"
        if isinstance(error, OSError):
            return (error.strerror or str(error) or type(error).__name__).lower()
        return f"what came is no whole HTTP answer ({type(error).__name__})"

    def _time_out(self) -> None:
        self._timed_out = True
        self.abort()


def _connecting(addresses: tuple[str, ...]) -> Callable[..., socket.socket]:
    """In place of `socket.create_connection`: to one of these, whatever the host's name says."""

    def connect(
        to: tuple[str, int], timeout: float, source: tuple[str, int] | None = None
    ) -> socket.socket:
        fault: OSError = OSError("the host has no address")
        for address in addresses:
            share_s = timeout / len(addresses)
            try:
                return socket.create_connection((address, to[1]), share_s, source)
            except OSError as error:  # the next address may answer
                fault = error
        raise fault

    return connect
