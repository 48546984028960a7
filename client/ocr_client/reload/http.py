"""A configuration that an HTTP server holds: a plain YAML or JSON body under one URL.

| configuration centre | URL |
|---|---|
| Apollo | `http://HOST:8080/configfiles/raw/APP/CLUSTER/NAMESPACE.yaml` |
| Nacos | `http://HOST:8848/nacos/v1/cs/configs?dataId=ocr.yaml&group=DEFAULT_GROUP` |
| Consul | `http://HOST:8500/v1/kv/ocr/config?raw` |
| any web server | the file's URL |
"""

from __future__ import annotations

import http.client
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ocr_client.config import MOST_BYTES
from ocr_client.errors import ConfigError
from ocr_client.exchange import Exchange

from .address import PASSWORD, TOKEN, USER, credentials, parse_address, shown
from .limits import TOO_LONG

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
        self._exchange: Exchange | None = None
        self._closed = False

    def read(self) -> bytes:
        """Raises ConfigError where the answer is no document of at most MOST_BYTES, in time."""
        address = self._address
        exchange = Exchange(
            address.host, address.port, secure=address.secure, timeout_s=self._timeout_s
        )
        self._exchange = exchange
        try:
            if self._closed:  # after the exchange could be seen, so that `close` cannot miss it
                raise ConfigError(f"{self.name}: is closed")
            return self._answer(exchange)
        except (OSError, http.client.HTTPException) as error:
            raise ConfigError(f"{self.name}: {exchange.reason(error)}") from None
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

    def _answer(self, exchange: Exchange) -> bytes:
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
        answer, content = exchange.ask(
            "GET", self._address.target, headers, most_bytes=MOST_BYTES, wanted={200}
        )
        if answer.status == 304 and self._etag is not None:
            return self._content
        if answer.status != 200:
            raise ConfigError(f"{self.name}: {_refusal(answer)}")
        encoding = answer.getheader("Content-Encoding", "identity")
        if encoding != "identity":
            raise ConfigError(f"{self.name}: answers in {encoding!r:.40}, which was not asked for")
        if len(content) > MOST_BYTES:
            raise ConfigError(f"{self.name}: {TOO_LONG}")
        if not content.strip():  # of a key that nobody has set
            raise ConfigError(f"{self.name}: answers with nothing; is the configuration there?")
        self._etag, self._content = answer.getheader("ETag"), content
        return content


def _refusal(answer: http.client.HTTPResponse) -> str:
    target = answer.getheader("Location")
    if 300 <= answer.status < 400 and target:
        return f"redirects to {shown(target):.200}; name that address if it is the right one"
    if answer.status in {401, 403}:
        return f"refuses access (HTTP {answer.status}); set {USER} and {PASSWORD}, or {TOKEN}"
    if answer.status == 404:
        return "holds no configuration (HTTP 404)"
    return f"answers with HTTP {answer.status}"
