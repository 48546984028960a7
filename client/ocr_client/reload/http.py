"""A configuration that an HTTP server holds: a plain YAML or JSON body under one URL.

| configuration centre | URL |
|---|---|
| Apollo | `http://HOST:8080/configfiles/raw/APP/CLUSTER/NAMESPACE.yaml` |
| Nacos | `http://HOST:8848/nacos/v1/cs/configs?dataId=ocr.yaml&group=DEFAULT_GROUP` |
| Consul | `http://HOST:8500/v1/kv/ocr/config?raw` |
| any web server | the file's URL |
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ocr_client.errors import ConfigError

from .address import PASSWORD, TOKEN, USER, credentials, parse_address, shown
from .limits import MAX_BYTES, TOO_LONG

TIMEOUT_S: Final = 5.0


class HttpSource:
    """Asks again every `poll_s`, with If-None-Match where the server gave an ETag.

    Follows no redirect, for it would take the credentials along, and uses no proxy. The
    credentials come from the environment (see `credentials`); SSL_CERT_FILE names the
    certificates to trust besides the system's.
    """

    settle_s: Final = 0.0  # one answer is one document, never half of it
    patience_s: Final = 0.0
    folder: Final = None

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        """Raises ConfigError on a URL or on credentials that cannot be used.

        timeout_s: for a whole answer, from the connection to its last byte.
        """
        self._address = parse_address(url)
        self.name: Final = self._address.shown
        self._timeout_s = timeout_s
        self._headers = credentials(environment)
        self._etag: str | None = None
        self._content = b""  # what the ETag belongs to
        self._exchange: _Exchange | None = None
        self._closed = False

    def read(self) -> bytes:
        """Raises ConfigError where the answer is no document of at most MAX_BYTES, in time."""
        exchange = _Exchange(self._connection(), self._timeout_s)
        self._exchange = exchange
        try:
            if self._closed:  # after the exchange could be seen, so that `close` cannot miss it
                raise ConfigError(f"{self.name}: is closed")
            return self._answer(exchange)
        except (OSError, http.client.HTTPException) as error:
            raise ConfigError(f"{self.name}: {self._reason(exchange, error)}") from None
        finally:
            self._exchange = None
            exchange.close()

    def changes(self, stop: threading.Event, poll_s: Callable[[], float]) -> Iterator[None]:
        """See `Source`."""
        while not stop.wait(poll_s()):
            yield

    def close(self) -> None:
        """Ends a `read` under way; later ones are refused."""
        self._closed = True
        exchange = self._exchange
        if exchange is not None:
            exchange.abort()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address.host, self._address.port
        if not self._address.secure:
            return http.client.HTTPConnection(host, port, timeout=self._timeout_s)
        return http.client.HTTPSConnection(
            host, port, timeout=self._timeout_s, context=ssl.create_default_context()
        )

    def _answer(self, exchange: _Exchange) -> bytes:
        headers = {
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Cache-Control": "no-cache",  # not a cache's idea of it
            "Connection": "close",
            "User-Agent": "ocr-rollout",
            **self._headers,
        }
        if self._etag is not None:
            headers["If-None-Match"] = self._etag
        answer, content = exchange.get(self._address.target, headers)
        if answer.status == 304 and self._etag is not None:
            return self._content
        if answer.status != 200:
            raise ConfigError(f"{self.name}: {_refusal(answer)}")
        encoding = answer.getheader("Content-Encoding", "identity")
        if encoding != "identity":
            raise ConfigError(f"{self.name}: answers in {encoding!r:.40}, which was not asked for")
        if len(content) > MAX_BYTES:
            raise ConfigError(f"{self.name}: {TOO_LONG}")
        if not content.strip():  # of a key that nobody has set
            raise ConfigError(f"{self.name}: answers with nothing; is the configuration there?")
        self._etag, self._content = answer.getheader("ETag"), content
        return content

    def _reason(self, exchange: _Exchange, error: Exception) -> str:
        if isinstance(error, TimeoutError) or exchange.timed_out:
            return f"no whole answer within {self._timeout_s:g} s"
        if isinstance(error, ConnectionRefusedError):
            return "nothing answers at this address; is the server running?"
        if isinstance(error, socket.gaierror):
            return "this host is not known; is it spelt right?"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"{error.verify_message}; SSL_CERT_FILE names certificates to trust"
        if isinstance(error, OSError):
            return (error.strerror or str(error) or type(error).__name__).lower()
        return f"what came is no whole HTTP answer ({type(error).__name__})"


class _Exchange:
    """One question and its answer, which has to be over in time, however slowly it comes."""

    def __init__(self, connection: http.client.HTTPConnection, timeout_s: float) -> None:
        self._connection = connection
        self._end = time.monotonic() + timeout_s
        self._socket: socket.socket | None = None
        self._aborted = False
        self.timed_out = False

    def get(
        self, target: str, headers: Mapping[str, str]
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """Status and up to MAX_BYTES + 1 of content. Raises OSError or HTTPException."""
        self._connection.connect()
        # the response takes it over from the connection, so keep it where `abort` finds it
        self._socket = self._connection.sock
        timer = threading.Timer(max(self._end - time.monotonic(), 0), self._time_out)
        timer.daemon = True
        timer.start()
        try:
            if self._aborted:
                raise ConnectionAbortedError("closed")
            self._connection.request("GET", target, headers=dict(headers))
            answer = self._connection.getresponse()
            content = answer.read(MAX_BYTES + 1) if answer.status == 200 else b""
        finally:
            timer.cancel()
        # An abort, and a server that hangs up early, look like the end of the content.
        if self.timed_out or self._aborted:
            raise TimeoutError
        if answer.length and len(content) <= MAX_BYTES and answer.status == 200:
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

    def _time_out(self) -> None:
        self.timed_out = True
        self.abort()


def _refusal(answer: http.client.HTTPResponse) -> str:
    target = answer.getheader("Location")
    if 300 <= answer.status < 400 and target:
        return f"redirects to {shown(target):.200}; name that address if it is the right one"
    if answer.status in {401, 403}:
        return f"refuses access (HTTP {answer.status}); set {USER} and {PASSWORD}, or {TOKEN}"
    if answer.status == 404:
        return "holds no configuration (HTTP 404)"
    return f"answers with HTTP {answer.status}"
