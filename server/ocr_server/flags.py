"""The command line of tritonserver that both ways to run it share.

The embedded server and docker-compose.yml start with the same flags, so that what was tried in
one holds in the other. What differs is passed in (addresses, paths) or added by the launcher.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

# What changes the server's state or reads other processes' memory. Health, metadata, model
# configuration, inference and statistics stay open on loopback.
RESTRICTED = ("model-repository", "shared-memory", "trace", "logging")
CONTROL_HEADER = "x-ocr-control"
# In gRPC metadata Triton looks for the key behind this prefix.
GRPC_PREFIX = "triton-grpc-protocol-"

EXIT_TIMEOUT_S = 10


def flags(
    *,
    repository: str | PurePosixPath,
    models: Iterable[str],
    control_key: str,
    address: str = "127.0.0.1",
    http_port: int = 8000,
    grpc_port: int = 8001,
    metrics_port: int = 8002,
) -> list[str]:
    """Arguments after `tritonserver`, one `--name=value` each.

    models: the start list; nothing else in the repository is loaded until somebody asks.
    address: 127.0.0.1, or 0.0.0.0 inside a container whose ports are published on loopback.
    control_key: what the header `x-ocr-control` must hold in calls of a control API.
    """
    restricted = f"{','.join(RESTRICTED)}:{CONTROL_HEADER}={control_key}"
    return [
        f"--model-repository={repository}",
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in models),
        # Configurations are complete and stand in git; nothing is guessed from a graph.
        "--disable-auto-complete-config",
        # A candidate that does not load must not keep stable from starting.
        "--exit-on-error=false",
        f"--exit-timeout-secs={EXIT_TIMEOUT_S}",
        f"--http-address={address}",
        f"--http-port={http_port}",
        f"--grpc-address={address}",
        f"--grpc-port={grpc_port}",
        f"--metrics-address={address}",
        f"--metrics-port={metrics_port}",
        f"--http-restricted-api={restricted}",
        f"--grpc-restricted-protocol={restricted}",
        # CPU only: without these two it looks for GPUs and says so at length.
        "--allow-gpu-metrics=false",
        "--pinned-memory-pool-byte-size=0",
    ]
