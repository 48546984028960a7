"""Both arms ready at the server, before a share is raised: stable is what a rollback goes to."""

from __future__ import annotations

from ocr_client.config import ClientConfig
from ocr_client.errors import DrainingError, ModelMissingError, OCRError
from ocr_client.transport import TritonTransport
from ocr_rollout.core.routing import Arm

from .refused import RefusedError

TIMEOUT_S = 3.0


def warning(config: ClientConfig, *arms: Arm) -> str | None:
    """Why nothing is known, in one line; None: all are ready.

    Raises RefusedError where the server says that one is not. A server that does not answer
    refuses nothing: commands may be given on a host that cannot reach it.
    """
    transport = TritonTransport(
        config.triton.urls, connect_timeout_s=min(1.0, config.triton.connect_timeout_s)
    )
    try:
        for arm in arms:
            transport.describe(arm, timeout_s=TIMEOUT_S)
    except (ModelMissingError, DrainingError) as error:
        raise RefusedError(
            f"{error}; load it first, or order it without the server check (--no-server-check)"
        ) from None
    except OCRError as error:
        return f"whether the arms are ready is not known: {error}"
    finally:
        transport.close()
    return None
