"""What a configuration may be at most, wherever it comes from."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 1 << 20
TOO_LONG: Final = f"is longer than {MAX_BYTES >> 20} MiB; is it a configuration?"
