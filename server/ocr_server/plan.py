"""What a supervisor is told to run, and what it reports back. Both cross a pipe as JSON."""

from __future__ import annotations

import dataclasses
import json

from .ports import Ports

START_DEADLINE_S = 120.0  # a loaded machine warms up two models at once
WATCHDOG_INTERVAL_S = 5.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """parent_pid: stop when this process is gone; 0 for a detached server."""

    name: str
    repository: str
    models: tuple[str, ...]
    ports: Ports
    tritonserver: str
    python: str
    python_backend: str
    variables: dict[str, str]
    parent_pid: int
    start_deadline_s: float = START_DEADLINE_S
    watchdog_interval_s: float = WATCHDOG_INTERVAL_S

    def dump(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def parse(cls, text: str) -> Plan:
        fields = json.loads(text)
        models, ports = tuple(fields["models"]), Ports(**fields["ports"])
        return cls(**{**fields, "models": models, "ports": ports})
