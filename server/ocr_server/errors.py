"""What can go wrong with the embedded server.

ServerError                      one line: what happened and what to do
├── EnvironmentUnavailableError  the server's own Python environment cannot be made here
└── AlreadyRunningError          `ocrctl server up` while one is up
"""

from __future__ import annotations


class ServerError(RuntimeError):
    """The embedded server cannot do what was asked. One line that says what to do."""


class EnvironmentUnavailableError(ServerError):
    """The server's own Python environment cannot be made on this machine."""


class AlreadyRunningError(ServerError):
    """A server that `ocrctl server up` started is still there."""
