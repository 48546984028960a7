"""How the verbs of this package say no."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Final, NoReturn

import typer

FAILED: Final = 1
WRONG_USAGE: Final = 2
INTERRUPTED: Final = 130


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """What goes wrong on purpose, and a Ctrl-C, is one line on stderr and an exit code."""
    # Imported here, so that `ocrctl --help` need not wait for OpenCV.
    from ocr_client.errors import BadArmError, ConfigError, OCRError  # noqa: PLC0415
    from ocr_client.operations.refused import RefusedError  # noqa: PLC0415
    from ocr_rollout.stores.errors import StoreError  # noqa: PLC0415

    from .labels import DatasetError  # noqa: PLC0415

    try:
        yield
    except (BadArmError, ConfigError) as error:
        _fail(str(error), WRONG_USAGE)
    except (DatasetError, OCRError, RefusedError, StoreError) as error:
        _fail(str(error))
    except OSError as error:
        if error.strerror is None:  # raised here, in words of its own
            _fail(str(error))
        _fail(f"{error.filename or 'the output'}: {error.strerror}")
    except KeyboardInterrupt:
        _fail("interrupted", INTERRUPTED)


def _fail(line: str, code: int = FAILED) -> NoReturn:
    print(f"ocrctl: {line}", file=sys.stderr)
    raise typer.Exit(code)
