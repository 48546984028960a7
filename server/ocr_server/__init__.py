"""The embedded Triton: a real tritonserver on loopback, for development, tests and one host."""

from .errors import AlreadyRunningError, EnvironmentUnavailableError, ServerError
from .flags import CONTROL_HEADER, flags
from .launcher import EmbeddedTriton
from .ports import Ports

__all__ = [
    "CONTROL_HEADER",
    "AlreadyRunningError",
    "EmbeddedTriton",
    "EnvironmentUnavailableError",
    "Ports",
    "ServerError",
    "flags",
]
