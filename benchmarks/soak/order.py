"""What one client process is told when it starts."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Order:
    """config: the client's. name: begins its requests' ids. material: see `material.write`.

    rate: requests a second of all threads together.
    """

    config: str
    name: str
    material: str
    seed: int
    threads: int
    rate: float
