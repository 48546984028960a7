"""Runs in the server's own Python: one `session.run` for every line on stdin, its ms on stdout.

The server's ONNX Runtime is older than the client's, and the two differ by some per cent; what
client and Triton add is the difference to a bare session of the same version.

usage: bare_session.py MODEL.onnx TENSOR.npy INTRA_OP_THREADS INTER_OP_THREADS
"""

from __future__ import annotations

import sys
import time

import numpy as np
import onnxruntime


def main(model: str, tensor: str, intra: str, inter: str) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(intra)
    options.inter_op_num_threads = int(inter)
    # As config_pbtxt.py writes it for the server.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    image = np.load(tensor)
    print(onnxruntime.__version__, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter_ns()
        session.run(["codepoints", "confidence"], {"image": image})
        print((time.perf_counter_ns() - start) / 1e6, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
