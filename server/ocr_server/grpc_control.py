"""Loads or unloads one model over gRPC. Run by the server's own Python, which has grpcio.

    python grpc_control.py ADDRESS load|unload MODEL HEADER   (the control key on stdin)

A load over HTTP would stall inference on the HTTP worker that it lands on. The two messages
are so small that they are written by hand: field 2 of each request is the model's name.
"""

from __future__ import annotations

import sys

RPC = {"load": "RepositoryModelLoad", "unload": "RepositoryModelUnload"}
TIMEOUT_S = 120.0


def encode(model: str) -> bytes:
    """RepositoryModel{Load,Unload}Request with model_name alone, as protobuf wire format."""
    name = model.encode()
    if len(name) > 127:  # one byte of length is enough for any sane model name
        raise SystemExit(f"{model}: a model name may have at most 127 bytes")
    return b"\x12" + bytes([len(name)]) + name


def main() -> None:
    """Exit 0 when Triton did it; else 1 and its error in one line on stderr."""
    import grpc  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: PLC0415  # absent where the product runs

    address, verb, model, header = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(
            f"/inference.GRPCInferenceService/{RPC[verb]}",
            request_serializer=bytes,
            response_deserializer=bytes,
        )
        try:
            call(encode(model), timeout=TIMEOUT_S, metadata=[(header, sys.stdin.read().strip())])
        except grpc.RpcError as error:
            raise SystemExit(f"{verb} {model}: {error.details()}") from error


if __name__ == "__main__":
    main()
