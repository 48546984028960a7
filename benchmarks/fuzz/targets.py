"""What reads each kind of input, and how it may refuse it."""

from __future__ import annotations

import dataclasses
import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from . import corpus

Call = Callable[[bytes], object]  # reads an input; raises one of `refused` on a bad one


@dataclasses.dataclass(frozen=True)
class Target:
    """One reader of inputs. share: of all inputs, by what one costs.

    make: imports what it needs, in the process that calls it; returns the call and what it may raise.
    """

    share: float
    corpus: Callable[[], Sequence[bytes]]
    make: Callable[[], tuple[Call, tuple[type[Exception], ...]]]
    tokens: tuple[bytes, ...] = ()


def _image() -> tuple[Call, tuple[type[Exception], ...]]:
    from ocr_preprocessing.errors import ImageError  # noqa: PLC0415
    from ocr_preprocessing.line import prepare_line  # noqa: PLC0415
    from ocr_preprocessing.load import load_image  # noqa: PLC0415
    from ocr_preprocessing.spec import LineSpec  # noqa: PLC0415

    spec = LineSpec()

    def call(data: bytes) -> None:
        gray = load_image(data)
        assert gray.dtype == np.uint8
        assert gray.ndim == 2
        if gray.size <= 1_000_000:  # more is the same work for longer
            prepare_line(gray, spec)

    return call, (ImageError,)


def _page() -> tuple[Call, tuple[type[Exception], ...]]:
    """Pixels as they come: any picture may be asked for as a page."""
    from ocr_preprocessing.errors import ImageError  # noqa: PLC0415
    from ocr_preprocessing.page import find_lines  # noqa: PLC0415

    def call(data: bytes) -> None:
        width = 2 + (data[0] if data else 0)
        rows = max(2, len(data) // width)
        pixels = np.frombuffer(data.ljust(rows * width, b"\xff")[: rows * width], np.uint8)
        page = find_lines(np.ascontiguousarray(pixels.reshape(rows, width)))
        assert all(len(line.quad) == 4 for line in page.lines)

    return call, (ImageError,)


def _tiff() -> tuple[Call, tuple[type[Exception], ...]]:
    from ocr_client.errors import BadImageError  # noqa: PLC0415
    from ocr_client.pages.sources.frames import TiffFile  # noqa: PLC0415

    def call(data: bytes) -> None:
        tiff = TiffFile("fuzz.tif", data, 64_000_000)
        try:
            for page in list(tiff.pages(None))[:4]:
                page.source()
        finally:
            tiff.close()

    return call, (BadImageError,)


def _pdf() -> tuple[Call, tuple[type[Exception], ...]]:
    from ocr_client.errors import BadImageError  # noqa: PLC0415
    from ocr_client.pages.sources.pdf import PdfFile  # noqa: PLC0415

    def call(data: bytes) -> None:
        pdf = PdfFile("fuzz.pdf", data, 72.0, 4_000_000)
        try:
            for page in list(pdf.pages(None))[:2]:
                page.source()
                page.layer()
        finally:
            pdf.close()

    return call, (BadImageError,)


def _config() -> tuple[Call, tuple[type[Exception], ...]]:
    from ocr_client.config import ClientConfig  # noqa: PLC0415
    from ocr_client.errors import ConfigError  # noqa: PLC0415

    def call(data: bytes) -> None:
        try:
            ClientConfig.from_bytes(data, name="fuzz.yaml", folder=None)
        except ConfigError as error:
            said = str(error)
            assert "\n" not in said, "an error of more than one line"
            assert len(said) < 4_000, f"an error of {len(said)} characters"
            assert "hush@" not in said, "an error that tells a password"
            raise

    return call, (ConfigError,)


def _document() -> tuple[Call, tuple[type[Exception], ...]]:
    from ocr_rollout.core.notices import Notice  # noqa: PLC0415
    from ocr_rollout.core.state import AuditEntry, RolloutState, StateError  # noqa: PLC0415
    from ocr_rollout.stores.documents import decode  # noqa: PLC0415

    def call(data: bytes) -> None:
        document = decode(data.decode("utf-8", "replace"))
        held = set(document) if isinstance(document, dict) else set()
        kind: Any = Notice if "target" in held else AuditEntry if "who" in held else RolloutState
        read = kind.from_dict(document)
        assert kind.from_dict(read.to_dict()) == read

    return call, (StateError, json.JSONDecodeError)


def _graph() -> tuple[Call, tuple[type[Exception], ...]]:
    from ocr_client.versions.graph import GraphError, read_graph  # noqa: PLC0415
    from ocr_server.backends.onnxruntime.graph_checks import problems  # noqa: PLC0415

    config = {"input": [], "output": [], "max_batch_size": 16}

    def call(data: bytes) -> None:
        graph = read_graph(data)
        problems(config, graph.inputs, graph.outputs)

    return call, (GraphError,)


def _pbtxt() -> tuple[Call, tuple[type[Exception], ...]]:
    from ocr_client.versions.policy import PolicyError, served_versions, with_versions  # noqa: PLC0415
    from ocr_server.pbtxt import PbtxtError, parse  # noqa: PLC0415

    def call(data: bytes) -> None:
        text = data.decode("utf-8", "replace")
        parse(text)
        served_versions(text, parse)
        assert served_versions(with_versions(text, (4, 7), parse), parse) == (4, 7)

    return call, (PbtxtError, PolicyError)


def _answer() -> tuple[Call, tuple[type[Exception], ...]]:
    """From Triton's tensors to files that people open."""
    from ocr_client import ClientConfig, OCRClient  # noqa: PLC0415
    from ocr_client.errors import OCRError  # noqa: PLC0415
    from ocr_client.fake import FakeTransport  # noqa: PLC0415
    from ocr_client.pages.formats.entry import Entry, Place  # noqa: PLC0415
    from ocr_client.pages.formats.writer import writer_for  # noqa: PLC0415
    from ocr_client.pages.sources.page import ImagePage  # noqa: PLC0415

    image = corpus.images()[0]
    tensors: list[npt.NDArray[Any]] = []
    config = ClientConfig()
    arm = config.model_routing.stable
    client = OCRClient(
        config, transport=FakeTransport({arm: lambda _image: (tensors[0], tensors[1])})
    )
    page = ImagePage("fuzz.png", image, 1_000_000)

    def call(data: bytes) -> None:
        held = data[:256].ljust(256, b"\0")  # 32 steps: the image is 128 pixels wide at 32
        tensors[:] = (
            np.frombuffer(held[:128], np.int32)[np.newaxis],
            np.frombuffer(held[128:], np.float32)[np.newaxis],
        )
        read = client.recognize_page(image, arm=arm, line=True)
        entry = Entry(Place("fuzz\n.png", 1, 1), read, page)
        for kind in ("text", "json", "markdown", "hocr", "alto"):
            stream = io.BytesIO()
            writer = writer_for(kind, stream)  # type: ignore[arg-type]
            writer.page(entry)
            writer.close()
            content = stream.getvalue()
            content.decode("utf-8")
            if kind == "json":
                json.loads(content)
            elif kind in ("hocr", "alto"):
                ET.fromstring(content)

    return call, (OCRError,)


def _http() -> tuple[Call, tuple[type[Exception], ...]]:
    from .http import Asked, RefusedError  # noqa: PLC0415

    return Asked().call, (RefusedError,)


TARGETS: Final[dict[str, Target]] = {
    "documents": Target(
        0.30,
        corpus.documents,
        _document,
        (b"null", b"[]", b"{}", b'"schema": 1', b"true", b"\\u0000"),
    ),
    "model files": Target(0.25, corpus.graphs, _graph, (b"\x0a\x00", b"\x12\xff\xff\xff\xff\x0f")),
    "config.pbtxt": Target(
        0.10, corpus.settings_of_models, _pbtxt, (b"[", b"]", b"{", b"}", b'"', b"#", b"\\", b"<")
    ),
    "images": Target(0.15, corpus.images, _image, (b"IHDR", b"IDAT", b"\xff\xc0", b"Exif\0\0")),
    "answers": Target(0.08, corpus.answers, _answer, (b"\0\xd8\0\0", b"\xff\xff\x10\0")),
    "http": Target(
        0.03,
        corpus.requests,
        _http,
        (
            b"--fuzz\r\n",
            b"\r\n\r\n",
            b'"image"',
            b"multipart/form-data",
            b"../",
            b"%2e%2e%2f",
            b"\0",
        ),
    ),
    "config.yaml": Target(
        0.02,
        corpus.configs,
        _config,
        (b"&a ", b"*a", b"!!python/name:os.system", b": ", b"- ", b"9" * 5000),
    ),
    "tiff": Target(0.015, corpus.tiffs, _tiff, (b"II*\0", b"MM\0*")),
    "pdf": Target(
        0.01, corpus.pdfs, _pdf, (b"obj", b"<<", b">>", b"/Kids", b"/Count", b"stream", b"R")
    ),
    "pages": Target(
        0.005,
        lambda: [b"\x5e" + np.asarray(corpus.picture(), np.uint8).tobytes()],  # 96 wide
        _page,
    ),
}
