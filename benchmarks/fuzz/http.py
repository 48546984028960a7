"""The service's application, asked without a network; models answer from a fake transport."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from pathlib import Path
from typing import Any, Final

from ocr_client import ClientConfig, OCRClient
from ocr_client.fake import FakeTransport
from ocr_gateway.app import create_app
from ocr_gateway.service import Service
from ocr_gateway.settings import ServiceSettings

FINE: Final = range(200, 400)
REFUSED: Final = frozenset(
    {400, 401, 403, 404, 405, 406, 408, 409, 411, 413, 415, 421, 422, 429, 503}
)
ANSWER_S: Final = 60.0  # how busy a machine may be


class RefusedError(Exception):
    """A problem document with a status that is the caller's to mend."""


class Asked:
    """One service for all inputs, with an admin's token that every request bears."""

    def __init__(self) -> None:
        logging.disable(logging.CRITICAL)  # a line for each request
        self._folder = tempfile.TemporaryDirectory(prefix="ocr-fuzz-")
        token = Path(self._folder.name) / "admin"
        token.write_text("fuzz-" + "t" * 40, encoding="ascii")
        token.chmod(0o600)
        os.environ["OCR_ROLLOUT_ADMIN_TOKEN_FILE"] = str(token)
        config = ClientConfig()
        arm = config.model_routing.stable
        client = OCRClient(config, transport=FakeTransport({arm: "Total"}))
        settings = ServiceSettings(max_body_bytes=1 << 20, admin_token_file=token)
        self._app = create_app(Service.over(client, settings))
        self._loop = asyncio.new_event_loop()
        self._life = self._app.router.lifespan_context(self._app)
        self._loop.run_until_complete(self._life.__aenter__())
        self._headers = [
            (b"host", b"127.0.0.1"),
            (b"authorization", f"Bearer {token.read_text(encoding='ascii')}".encode()),
        ]

    def call(self, data: bytes) -> None:
        """data: METHOD PATH CONTENT-TYPE, a line end, the body. Raises RefusedError."""
        first, _, body = data.partition(b"\n")
        words = [*first.split(b" ", 2), b"", b"", b""]
        status, headers, content = self._loop.run_until_complete(
            asyncio.wait_for(self._ask(words[0], words[1], words[2], body), ANSWER_S)
        )
        if status in FINE:
            return
        assert status in REFUSED, f"status {status}: {content[:200]!r}"
        assert headers.get(b"content-type", b"").startswith(b"application/problem+json"), headers
        problem = json.loads(content)
        assert problem["status"] == status
        assert problem["success"] is False
        raise RefusedError(problem["type"])

    async def _ask(
        self, method: bytes, target: bytes, kind: bytes, body: bytes
    ) -> tuple[int, dict[bytes, bytes], bytes]:
        path, _, query = target.partition(b"?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method.decode("latin-1").upper() or "POST",
            "scheme": "http",
            "path": path.decode("utf-8", "replace") or "/",
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [*self._headers, (b"content-type", kind)],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 5000),
            "state": {},
        }
        parts = [body[at : at + 4096] for at in range(0, len(body), 4096)] or [b""]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if parts:
                part = parts.pop(0)
                return {"type": "http.request", "body": part, "more_body": bool(parts)}
            await asyncio.sleep(ANSWER_S)
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        await self._app(scope, receive, send)
        start = next(one for one in sent if one["type"] == "http.response.start")
        content = b"".join(one.get("body", b"") for one in sent)
        return start["status"], dict(start["headers"]), content
