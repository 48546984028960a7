"""config.pbtxt of a model, written from the spec that training used; never by hand."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from ocr_preprocessing import finder_spec
from ocr_preprocessing.finder_spec import FinderSpec
from ocr_preprocessing.spec import LineSpec

from .graph import INPUT, OUTPUTS

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclasses.dataclass(frozen=True)
class Serving:
    """How Triton runs a model, chosen for latency on a few cores.

    instances: sessions of the model; embedded, each is a process.
    threads: of one session for one operator. Cores / instances at most: ONNX Runtime's
        threads spin while they wait, and take the cores from everything else.

    There is no dynamic batching: with it, requests were held for 500 ms now and then (see
    docs/decisions/export.md), and on a CPU it made nothing faster.
    """

    max_batch_size: int = 16
    instances: int = 1
    threads: int = 1


# Parts of a page are of unlike sizes, so they are asked one by one. Two threads: a page waits for it.
FINDER_SERVING = Serving(max_batch_size=1, threads=2)


def config_text(
    name: str,
    versions: tuple[int, ...],
    spec: LineSpec,
    serving: Serving | None = None,
    *,
    verb: str = "onnx",
) -> str:
    """The whole file, ending in a line break; parses in Triton 24.10 and later.

    verb: of `ocrctl export`, by which the file came about.

    Raises ValueError for a name Triton or a file system would choke on, or no version.
    """
    serving = serving or Serving()
    width = spec.fixed_width or -1  # -1: any
    steps = spec.fixed_width // spec.stride if spec.fixed_width else -1
    ports = f"""\
input [
  {{ name: "{INPUT}" data_type: TYPE_UINT8 dims: [ 1, {spec.height}, {width} ] }}
]
output [
  {{ name: "{OUTPUTS[0]}" data_type: TYPE_INT32 dims: [ {steps} ] }},
  {{ name: "{OUTPUTS[1]}" data_type: TYPE_FP32 dims: [ {steps} ] }}
]
"""
    warmup = _warmup_text(spec, serving)
    return _whole(name, versions, serving, verb, ports, spec.to_parameters(), warmup)


def finder_config_text(
    name: str, versions: tuple[int, ...], spec: FinderSpec, serving: Serving | None = None
) -> str:
    """The same of a line finder. Raises ValueError as `config_text`."""
    ports = f"""\
input [
  {{ name: "{finder_spec.INPUT}" data_type: TYPE_UINT8 dims: [ 1, -1, -1 ] }}
]
output [
  {{ name: "{finder_spec.OUTPUTS[0]}" data_type: TYPE_UINT8 dims: [ 2, -1, -1 ] }},
  {{ name: "{finder_spec.OUTPUTS[1]}" data_type: TYPE_UINT8 dims: [ 2, -1, -1 ] }}
]
"""
    # A page of A4 as it is shown to the model, and a small picture.
    shapes = [(1, "1, 1216, 864"), (1, "1, 320, 320")]
    warmup = ",\n".join(_warmup(finder_spec.INPUT, *shape) for shape in shapes)
    serving = serving or FINDER_SERVING
    return _whole(name, versions, serving, "finder", ports, spec.to_parameters(), warmup)


def _whole(
    name: str,
    versions: tuple[int, ...],
    serving: Serving,
    verb: str,
    ports: str,
    spec: Mapping[str, str],
    warmup: str,
) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"model name {name!r}: letters, digits, '_', '-' and '.' only")
    if not versions or any(version < 1 for version in versions):
        raise ValueError(f"versions {versions}: one or more whole numbers from 1 on are needed")
    parameters = {
        "intra_op_thread_count": str(serving.threads),
        "inter_op_thread_count": "1",
        # Widths vary, so an arena grows to the largest mix it ever saw and gives nothing back.
        "enable_mem_arena": "0",
        "enable_mem_pattern": "0",
        **spec,
    }
    listed = ", ".join(map(str, sorted(set(versions))))
    return f"""\
# Written by `ocrctl export {verb}` from the spec the model was trained with.
name: "{name}"
backend: "onnxruntime"
max_batch_size: {serving.max_batch_size}

{ports}
version_policy {{ specific {{ versions: [ {listed} ] }} }}

instance_group [ {{ kind: KIND_CPU count: {serving.instances} }} ]

{_parameters_text(parameters)}
model_warmup [
{warmup}
]
"""


def read_parameters(text: str) -> dict[str, str]:
    """The string parameters of a config.pbtxt, in the form that `config_text` writes them."""
    found = re.findall(
        r'\bkey:\s*"([^"]*)"\s*,?\s*value:?\s*\{\s*string_value:\s*"([^"]*)"\s*\}', text
    )
    return dict(found)


def _parameters_text(parameters: Mapping[str, str]) -> str:
    return "".join(
        f'parameters {{ key: "{key}" value: {{ string_value: "{value}" }} }}\n'
        for key, value in parameters.items()
    )


def _warmup_text(spec: LineSpec, serving: Serving) -> str:
    buckets = spec.width_buckets
    middle = buckets[len(buckets) // 2]
    # The shapes that clients send, so that the first request finds all memory touched.
    shapes = dict.fromkeys(
        [(1, buckets[0]), (1, middle), (1, buckets[-1]), (serving.max_batch_size, middle)]
    )
    return ",\n".join(
        _warmup(INPUT, batch, f"1, {spec.height}, {width}", f"{batch}x{width}")
        for batch, width in shapes
    )


def _warmup(name: str, batch: int, dims: str, title: str = "") -> str:
    return f"""\
  {{
    name: "{title or dims.replace(", ", "x")}"
    batch_size: {batch}
    inputs {{
      key: "{name}"
      value {{ data_type: TYPE_UINT8 dims: [ {dims} ] random_data: true }}
    }}
  }}"""
