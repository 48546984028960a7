"""Is a version fit to be served, as far as its files can say? Nothing is run, nothing is changed.

What only running can say (does the runtime take the graph, does it read) is proven on the server
before anything is listed there (see `serve`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocr_preprocessing.finder_spec import FinderSpec, finds_lines
from ocr_preprocessing.spec import LineSpec, SpecError
from ocr_rollout.core.routing import Arm

from .errors import RefusedError, RepositoryError
from .graph import Graph, GraphError, alphabet_digest, read_graph
from .places import VersionFolder, spec_parameters
from .rules import graph_problems, parse_config

# What ONNX Runtime 1.19.2 loads, the one in the oldest Triton that is served from (24.10):
# https://onnxruntime.ai/docs/reference/compatibility.html
OLDEST_RUNTIME = "ONNX Runtime 1.19"
NEWEST_OPSET = 21
OLDEST_OPSET = 7  # older ones only run where nobody has tested them for years
NEWEST_IR = 10
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
LARGEST = 2_000_000_000  # bytes; protobuf itself ends at 2 GiB


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a version's files say. meta: of meta.json, or empty."""

    sha256: str
    bytes: int
    graph: Graph
    meta: Mapping[str, Any]


def read_facts(model: Path, meta: Mapping[str, Any], *, sha256: str) -> Facts:
    """Raises RefusedError when model.onnx is no whole model."""
    try:
        content = model.read_bytes()
    except OSError as error:
        raise RepositoryError(f"{model}: {(error.strerror or str(error)).lower()}") from None
    try:
        graph = read_graph(content)
    except GraphError as error:
        raise RefusedError(str(model), (str(error),)) from None
    return Facts(sha256, len(content), graph, meta)


def problems(facts: Facts, config_text: str) -> tuple[str, ...]:
    """Why this version would not load in every server, or not read as its configuration says."""
    config = parse_config(config_text)
    return (
        *_damage(facts),
        *_runtime(facts.graph),
        *graph_problems(config, facts.graph.inputs, facts.graph.outputs),
        *_spec(facts, config),
    )


def alphabet_problem(graph: Graph, production: Graph, arm: Arm) -> str | None:
    """Why the characters of a new version are not those of the version that is served now."""
    if graph.alphabet == production.alphabet:
        return None
    ours, theirs = set(graph.alphabet or ()), set(production.alphabet or ())
    lost, new = len(theirs - ours), len(ours - theirs)
    return (
        f"its alphabet is not that of {arm}: {lost} characters are missing, {new} are new"
        + ("" if lost or new else ", and the order differs")
        + "; publish it under another model name, or, if that is meant: --new-alphabet"
    )


def meta_of(arm: Arm, sha256: str, size: int, graph: Graph, config_text: str) -> dict[str, Any]:
    """A meta.json for a model.onnx that comes without one: what its file says, no more."""
    return {
        "model": arm.model,
        "version": arm.version,
        "sha256": sha256,
        "bytes": size,
        "alphabet_sha256": alphabet_digest(graph.alphabet) if graph.alphabet else None,
        "opset": graph.opsets.get("", graph.opsets.get("ai.onnx")),
        "ir_version": graph.ir_version,
        "spec": {
            key: value
            for key, value in spec_parameters(parse_config(config_text)).items()
            if key.startswith("ocr_")
        },
        "training": {},
        "accuracy": {},
    }


def verify(arm: Arm, folder: VersionFolder, config_text: str) -> tuple[str, ...]:
    """What is wrong with a version that lies in a repository; empty when nothing is."""
    try:
        meta = folder.read_meta()
        facts = read_facts(folder.model, meta, sha256=folder.digest())
        found = problems(facts, config_text)
    except RefusedError as error:
        return error.reasons
    except RepositoryError as error:
        return (str(error),)
    if (meta.get("model"), meta.get("version")) != (arm.model, arm.version):
        said = f"{meta.get('model')}:{meta.get('version')}"
        found = (*found, f"meta.json is of {said}, not of {arm}")
    return found


def _damage(facts: Facts) -> tuple[str, ...]:
    found = []
    said = facts.meta.get("sha256", facts.sha256)
    if said != facts.sha256:
        found.append(
            f"model.onnx has SHA-256 {facts.sha256[:12]}..., meta.json says {said[:12]}...: "
            "it was changed or damaged; export it again"
        )
    if facts.bytes > LARGEST:
        found.append(f"model.onnx has {facts.bytes:,} bytes; at most {LARGEST:,} can be loaded")
    if facts.graph.not_a_number:
        found.append(f"weights hold not-a-number: {_some(facts.graph.not_a_number)}")
    if facts.graph.external:
        found.append(
            f"weights lie in other files, so it is not whole: {_some(facts.graph.external)}"
        )
    alphabet, digest = facts.graph.alphabet, facts.meta.get("alphabet_sha256")
    if alphabet is not None:
        if alphabet[:1] != (0,):
            found.append("the first class of its alphabet is not 0, the blank")
        elif not all(0 < code <= 0x10FFFF for code in alphabet[1:]):
            found.append("its alphabet holds numbers that are no characters")
        elif digest and alphabet_digest(alphabet) != digest:
            found.append("its alphabet is not the one that meta.json names")
    return tuple(found)


def _runtime(graph: Graph) -> tuple[str, ...]:
    found = []
    opset = graph.opsets.get("", graph.opsets.get("ai.onnx", 0))
    if not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        found.append(
            f"opset {opset}: {OLDEST_RUNTIME} (Triton 24.10) loads {OLDEST_OPSET} to {NEWEST_OPSET}"
        )
    if not 1 <= graph.ir_version <= NEWEST_IR:
        found.append(f"IR version {graph.ir_version}: {OLDEST_RUNTIME} loads up to {NEWEST_IR}")
    if foreign := sorted((graph.domains | set(graph.opsets)) - DOMAINS):
        found.append(f"operators of {', '.join(foreign)}, which no server of ours has")
    return tuple(found)


def _spec(facts: Facts, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The client prepares lines as config.pbtxt says, so the version must have been trained so.

    Of a line finder: pages, and what its maps mean.
    """
    parameters = spec_parameters(config)
    kind, what = (FinderSpec, "page") if finds_lines(parameters) else (LineSpec, "line")
    try:
        served: LineSpec | FinderSpec = kind.from_parameters(parameters)
        if "spec" not in facts.meta:
            return ()
        trained: LineSpec | FinderSpec = kind.from_parameters(facts.meta["spec"])
    except SpecError as error:
        return (f"how to prepare a {what} is not said: {error}",)
    if trained != served:
        said = f"it was trained with other preprocessing ({trained}) than config.pbtxt asks for"
        return (f"{said} ({served}); a changed spec needs another model name",)
    return ()


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
