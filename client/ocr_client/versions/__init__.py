"""Publish, activate and retire versions of a model in the repository, under load.

    from ocr_client.versions import Fleet, GoldenSet, Repository, Site, Standard
    from ocr_client.versions import endpoints_of, publish

    repository = Repository.at("model_repository")
    site = Site(repository, Fleet(endpoints_of(repository.root)), say=print)
    ready = publish(site, "crnn", Path("build/crnn/2/model.onnx"),
                    Standard(GoldenSet.read(Path("samples"))))

Every function raises VersionsError (see `errors`) and then has changed nothing. Needs the extra
[control]; never torch or onnx. Names load what they need when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocr_client.control import Endpoint as Endpoint

    from .alone import recover as recover
    from .doctor import Finding as Finding
    from .doctor import examine as examine
    from .errors import VersionsError as VersionsError
    from .fleet import Fleet as Fleet
    from .fleet import endpoints_of as endpoints_of
    from .golden import GoldenSet as GoldenSet
    from .golden import Tolerance as Tolerance
    from .places import Repository as Repository
    from .retiring import retire as retire
    from .serve import Ready as Ready
    from .serve import Standard as Standard
    from .serve import activate as activate
    from .serve import publish as publish
    from .site import Site as Site

_HOMES = {
    "Endpoint": "ocr_client.control",
    "Finding": "ocr_client.versions.doctor",
    "Fleet": "ocr_client.versions.fleet",
    "GoldenSet": "ocr_client.versions.golden",
    "Ready": "ocr_client.versions.serve",
    "Repository": "ocr_client.versions.places",
    "Site": "ocr_client.versions.site",
    "Standard": "ocr_client.versions.serve",
    "Tolerance": "ocr_client.versions.golden",
    "VersionsError": "ocr_client.versions.errors",
    "activate": "ocr_client.versions.serve",
    "endpoints_of": "ocr_client.versions.fleet",
    "examine": "ocr_client.versions.doctor",
    "publish": "ocr_client.versions.serve",
    "recover": "ocr_client.versions.alone",
    "retire": "ocr_client.versions.retiring",
}

__all__ = [
    "Endpoint",
    "Finding",
    "Fleet",
    "GoldenSet",
    "Ready",
    "Repository",
    "Site",
    "Standard",
    "Tolerance",
    "VersionsError",
    "activate",
    "endpoints_of",
    "examine",
    "publish",
    "recover",
    "retire",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
