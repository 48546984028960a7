"""What is said of a source that holds more than a configuration may, wherever it is."""

from __future__ import annotations

from typing import Final

from ocr_client.config import MOST_BYTES

TOO_LONG: Final = f"is longer than {MOST_BYTES:,} bytes; is it a configuration?"
