"""Logs as one JSON object a line, on stderr: for people with `jq`, and for collectors.

No texts, user ids or images are in them; what came from outside is escaped, so that no line can be
made to look like two, or to speak to a terminal.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import Any, Final

from .frame import Served

access = logging.getLogger("ocr_gateway.access")

_LONGEST_PATH: Final = 200
# Asked for all the time; worth a line only when they go wrong.
_QUIET: Final = ("/healthz", "/readyz", "/metrics")


class JsonLines(logging.Formatter):
    """`extra={"fields": {...}}` of a record stands beside its message."""

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, dt.timezone.utc)
        line: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)  # ASCII only


def install(*, quiet: bool) -> None:
    """For this process. quiet: warnings and errors only."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("ocr_gateway", "ocr_client", "ocr_rollout"):
        logging.getLogger(name).setLevel(logging.WARNING if quiet else logging.INFO)
    # It tells of every body that is no form: the caller's matter, who has been told.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def log_served(served: Served) -> None:
    """The observer that writes the line of each request."""
    if served.status < 400 and served.path.startswith(_QUIET):
        return
    access.info(
        "request",
        extra={
            "fields": {
                "request_id": served.request_id,
                "method": served.method,
                "path": served.path[:_LONGEST_PATH],
                "status": served.status,
                "ms": round(served.ms, 2),
                **served.facts,
            }
        },
    )
