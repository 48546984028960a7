"""config.pbtxt of a model, written from the spec that training used; never by hand."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

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


def config_text(
    name: str, versions: tuple[int, ...], spec: LineSpec, serving: Serving | None = None
) -> str:
    """The whole file, ending in a line break; parses in Triton 24.10 and later.

    Raises ValueError for a name Triton or a file system would choke on, or no version.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"model name {name!r}: letters, digits, '_', '-' and '.' only")
    if not versions or any(version < 1 for version in versions):
        raise ValueError(f"versions {versions}: one or more whole numbers from 1 on are needed")
    serving = serving or Serving()
    parameters = {
        "intra_op_thread_count": str(serving.threads),
        "inter_op_thread_count": "1",
        # Widths vary, so an arena grows to the largest mix it ever saw and gives nothing back.
        "enable_mem_arena": "0",
        "enable_mem_pattern": "0",
        **spec.to_parameters(),
    }
    listed = ", ".join(map(str, sorted(set(versions))))
    return f"""\
# Written by `ocrctl export onnx` from the spec the model was trained with.
name: "{name}"
backend: "onnxruntime"
max_batch_size: {serving.max_batch_size}

input [
  {{ name: "{INPUT}" data_type: TYPE_UINT8 dims: [ 1, {spec.height}, -1 ] }}
]
output [
  {{ name: "{OUTPUTS[0]}" data_type: TYPE_INT32 dims: [ -1 ] }},
  {{ name: "{OUTPUTS[1]}" data_type: TYPE_FP32 dims: [ -1 ] }}
]

version_policy {{ specific {{ versions: [ {listed} ] }} }}

instance_group [ {{ kind: KIND_CPU count: {serving.instances} }} ]

{_parameters_text(parameters)}
model_warmup [
{_warmup_text(spec, serving)}
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
        f"""\
  {{
    name: "{batch}x{width}"
    batch_size: {batch}
    inputs {{
      key: "{INPUT}"
      value {{ data_type: TYPE_UINT8 dims: [ 1, {spec.height}, {width} ] random_data: true }}
    }}
  }}"""
        for batch, width in shapes
    )
