"""Processes that listen: one, or several at one address."""

from __future__ import annotations

import atexit
import errno
import functools
import logging
import math
import multiprocessing
import os
import signal
import socket
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from . import greeting, logs, stopping, tokens
from .app import create_app
from .crew import any_left
from .heads import BoundedHeads
from .options import Options, settings_of
from .service import Service
from .settings import ServiceSettings
from .snapshots import Place, shared_folder

BACKLOG = 2_048
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
KEEP_ALIVE_S = 30  # longer than a browser or a pool of connections takes between two requests
# A worker answers nobody while it is being imported; on a busy machine that takes ten seconds,
# and uvicorn's own 5 s would kill and begin it again without end.
SILENT_WORKER_S = 60


class CannotListenError(Exception):
    """One line: the address and why."""


def run(options: Options, *, host: str, port: int, workers: int) -> None:
    """Returns after SIGTERM; KeyboardInterrupt after Ctrl-C.

    Raises ConfigError, TokenError and CannotListenError before anything is answered. Triton need
    not be there: `/readyz` says so until it is.
    """
    logs.install(quiet=options.quiet)
    with _listening(host, port) as listener:
        settings = _greet(options, _address(listener))
        try:
            with shared_folder(workers) as folder:
                config = uvicorn.Config(
                    functools.partial(application, options, folder),
                    factory=True,
                    http=BoundedHeads,
                    workers=workers,
                    lifespan="on",
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    timeout_keep_alive=KEEP_ALIVE_S,
                    timeout_worker_healthcheck=SILENT_WORKER_S,
                    timeout_graceful_shutdown=math.ceil(settings.drain_s),
                )
                _serve(config, listener)
        except KeyboardInterrupt:
            _leave(INTERRUPTED)
            raise
        _leave(0)


def _serve(config: uvicorn.Config, listener: socket.socket) -> None:
    # uvicorn raises the signal again when all is done: SIGTERM is an orderly end here.
    signal.signal(signal.SIGTERM, lambda *_: None)
    if config.workers == 1:
        uvicorn.Server(config).run([listener])
    else:
        Multiprocess(config, [listener]).run()


def _leave(code: int) -> None:
    """Ends the process where a thread is still in a call that outlasted `drain_s`.

    It is in native code, which must not meet an interpreter that is being taken apart.
    """
    if any_left():
        logging.shutdown()
        os._exit(code)


def application(options: Options, folder: Path | None) -> FastAPI:
    """What each process makes for itself: connections and threads must not be shared.

    folder: where workers find each other's metrics.
    """
    logs.install(quiet=options.quiet)
    parent = multiprocessing.parent_process()
    if parent is not None:  # a worker: nobody reads its exit code
        atexit.register(_leave, 0)
        stopping.end_with(parent)
    client = options.client()
    forced = options.forced(client.config)
    return create_app(Service.over(client, settings_of(client.config), forced, Place(folder)))


def _greet(options: Options, address: str) -> ServiceSettings:
    """With a client of its own, which has ended when the workers make theirs."""
    with options.client() as client:
        settings = settings_of(client.config)
        forced = options.forced(client.config)
        greeting.show(greeting.lines(client, forced, tokens.load(settings), address))
    return settings


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason, advice = _reason(error)
        raise CannotListenError(f"cannot listen at {host}:{port}: {reason}; {advice}") from None
    os.set_inheritable(listener.fileno(), True)
    return listener


def _reason(error: OSError | OverflowError) -> tuple[str, str]:
    """Why, and what to do."""
    number = error.errno if isinstance(error, OSError) else None
    if number is not None and number < 0:  # of the look-up of a name
        return "there is no such name", "another --host"
    why = (os.strerror(number) if number else str(error)).lower()
    if number == errno.EADDRNOTAVAIL:
        return why, "another --host: an address of this machine, or 0.0.0.0 for all of them"
    return why, "another --port, or 0 for a free one"


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
