"""Which configuration and which Triton: options of every verb that reads images."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from ocr_client.config import ClientConfig

DEFAULT_CONFIG: Final = Path("config.yaml")

_VARIABLE: Final = "OCR_ROLLOUT_CONFIG"
_HELP: Final = "Configuration; config.yaml in this folder, or the defaults, when left out."

ConfigFile = Annotated[Path | None, typer.Option(metavar="FILE", envvar=_VARIABLE, help=_HELP)]
ConfigSource = Annotated[str | None, typer.Option(metavar="FILE|URL", envvar=_VARIABLE, help=_HELP)]
TritonURL = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        envvar="OCR_ROLLOUT_TRITON_URL",
        help="Triton's HTTP address instead of triton.urls.",
    ),
]


def configured(path: Path | None, url: str | None) -> ClientConfig:
    """Of the file, or of the one that lies here, or the defaults. Raises ConfigError."""
    from ocr_client.config import ClientConfig  # noqa: PLC0415  # not for `ocrctl --help`

    if path is None and DEFAULT_CONFIG.exists():
        path = DEFAULT_CONFIG
    return addressed(ClientConfig() if path is None else ClientConfig.load(path), url)


def addressed(config: ClientConfig, url: str | None) -> ClientConfig:
    """url: HOST:PORT in place of the configuration's. Raises ConfigError."""
    from ocr_client.errors import ConfigError  # noqa: PLC0415
    from ocr_client.sections import is_address  # noqa: PLC0415

    if url is None:
        return config
    if not is_address(url):
        raise ConfigError(f"--url: {url!r} is not accepted; accepted: HOST:PORT without http://")
    return dataclasses.replace(config, triton=dataclasses.replace(config.triton, urls=(url,)))
