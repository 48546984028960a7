"""What the verbs of `ocrctl models` share: options, and what they are made into."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from ocr_client.config import ClientConfig
    from ocr_client.control import Endpoint
    from ocr_client.versions.places import Repository
    from ocr_client.versions.serve import Standard
    from ocr_client.versions.site import Site
    from ocr_client.versions.traffic import Use

URL_VARIABLE = "OCR_ROLLOUT_TRITON_URL"  # in place of triton.urls, as `ocrctl recognize` reads it
DEFAULT_CONFIG = Path("config.yaml")
FAILED = 1

Root = Annotated[Path, typer.Option("--repository", metavar="DIR", help="What Triton serves.")]
Work = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Workplace, on the same file system; default: beside the repository."
    ),
]
Named = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint",
        metavar="HTTP,GRPC",
        help="A Triton over this repository, e.g. 127.0.0.1:8000,127.0.0.1:8001; again for more. "
        "Default: the embedded servers that are up.",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="Control key of the named endpoints; else OCR_CONTROL_KEY holds it."
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar="OCR_ROLLOUT_CONFIG",
        help="Configuration; config.yaml in this folder, or the defaults, when left out.",
    ),
]
Wait = Annotated[
    float,
    typer.Option(min=0, metavar="SECONDS", help="Wait so long for another command to end."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Smoke = Annotated[
    Path,
    typer.Option(metavar="DIR", help="Golden lines: images, and labels.tsv with their true texts."),
]
Limit = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Highest character error rate on them; default 0.2."),
]
Margin = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="So much above the version in production; default 0.05."),
]
Against = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL:VERSION",
        help="The version in production; default: the newest served one of the model.",
    ),
]
NewAlphabet = Annotated[
    bool, typer.Option("--new-alphabet", help="Other characters than the served version's.")
]

REPOSITORY = Path("model_repository")
SAMPLES = Path("samples")


def config_of(path: Path | None) -> ClientConfig:
    """Raises ConfigError."""
    from ocr_client.config import ClientConfig  # noqa: PLC0415  # slow to import

    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    config = ClientConfig() if path is None else ClientConfig.load(path)
    instead = os.environ.get(URL_VARIABLE)
    if not instead:
        return config
    triton = dataclasses.replace(config.triton, urls=(instead,))
    return dataclasses.replace(config, triton=triton)


def repository_of(root: Path, work: Path | None) -> Repository:
    from ocr_client.versions.places import Repository  # noqa: PLC0415  # slow to import

    return Repository.at(root, work)


def site_of(
    root: Path,
    work: Path | None,
    named: list[str] | None,
    key_file: Path | None,
    *,
    wait_s: float = 0.0,
) -> Site:
    """Raises VersionsError, or ModuleNotFoundError without the extra [control]."""
    from ocr_client.versions.fleet import Fleet  # noqa: PLC0415  # slow to import
    from ocr_client.versions.site import Site  # noqa: PLC0415  # slow to import

    repository = repository_of(root, work)
    fleet = Fleet(endpoints(repository, named, key_file))
    return Site(repository, fleet, say=say, wait_s=wait_s)


def endpoints(
    repository: Repository, named: list[str] | None, key_file: Path | None
) -> tuple[Endpoint, ...]:
    from ocr_client.versions.fleet import endpoints_of  # noqa: PLC0415  # slow to import

    return endpoints_of(repository.root, named=named or (), key_file=key_file)


def refuse_unnamed(site: Site, path: Path | None) -> None:
    """Raises EndpointDownError when clients send requests to an address that is not among ours.

    Only with a configuration: a version is ready when every server of the clients' has it.
    """
    from ocr_client.versions.errors import EndpointDownError  # noqa: PLC0415  # slow to import

    if path is None and not DEFAULT_CONFIG.exists() and URL_VARIABLE not in os.environ:
        return
    ours = {endpoint.http for endpoint in site.fleet.endpoints}
    missing = [url for url in config_of(path).triton.urls if url not in ours]
    if missing and ours:
        raise EndpointDownError(
            f"{path or DEFAULT_CONFIG} sends requests to {', '.join(missing)}, too, which is not "
            f"among the endpoints ({', '.join(sorted(ours))}); name each: --endpoint HTTP,GRPC; "
            "or correct triton.urls there"
        )


def standard_of(
    smoke: Path,
    limit: float | None,
    margin: float | None,
    against: str | None,
    config: Path | None,
    *,
    new_alphabet: bool,
) -> Standard:
    """Raises VersionsError or ConfigError."""
    from ocr_client.versions.golden import GoldenSet, Tolerance  # noqa: PLC0415  # slow to import
    from ocr_client.versions.places import arm_of  # noqa: PLC0415  # slow to import
    from ocr_client.versions.serve import Standard  # noqa: PLC0415  # slow to import

    default = Tolerance()
    return Standard(
        GoldenSet.read(smoke),
        Tolerance(
            default.limit if limit is None else limit, default.margin if margin is None else margin
        ),
        None if against is None else arm_of(against),
        config_of(config).model_routing.stable,
        new_alphabet,
    )


def uses_of(path: Path | None) -> Callable[[], tuple[Use, ...]]:
    """Reads configuration and store anew at each call."""
    from ocr_client.versions.traffic import read_state, uses  # noqa: PLC0415  # slow to import

    def read() -> tuple[Use, ...]:
        config = config_of(path)
        return uses(config, read_state(config))

    return read


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """What is raised on purpose becomes one line on stderr and exit code 1.

    SIGTERM is a Ctrl+C meanwhile: what is under way is put back before the command ends.
    """
    from ocr_client.errors import OCRError  # noqa: PLC0415  # slow to import
    from ocr_client.versions.errors import VersionsError  # noqa: PLC0415  # slow to import

    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    try:
        yield
    except (VersionsError, OCRError) as error:
        fail(str(error))
    finally:
        if main:
            signal.signal(signal.SIGTERM, before)


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def fail(line: str) -> NoReturn:
    print(f"ocrctl: {line}", file=sys.stderr)
    raise typer.Exit(FAILED)


def repeated(root: Path, work: Path | None, named: list[str] | None, key_file: Path | None) -> str:
    """The options as they were given, for commands that are to mean the same."""
    words = [] if root == REPOSITORY else ["--repository", str(root)]
    words += [] if work is None else ["--work", str(work)]
    for endpoint in named or ():
        words += ["--endpoint", endpoint]
    words += [] if key_file is None else ["--key-file", str(key_file)]
    return shlex.join(words)
