"""`ocrctl export`: checkpoint -> model repository, and is it still the same model?"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # torch and onnx take a second: not for `ocrctl --help`
    from .export import Exported

HELP = """Turn checkpoints into served models.

Examples:

ocrctl export onnx runs/crnn/best.pt --to model_repository/crnn/1

ocrctl export modelscope cv_crnn_ocr-recognition-general_damo --to model_repository/crnn_modelscope/1
"""

app = typer.Typer(help=HELP, no_args_is_help=True)

Checkpoint = Annotated[Path, typer.Argument(help="A checkpoint of `ocrctl train`.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Images = Annotated[
    list[Path] | None,
    typer.Option("--image", help="A line image to compare on (again for more); else drawn ones."),
]


@app.command("onnx")
def export_onnx(
    checkpoint: Checkpoint,
    to: Annotated[Path, typer.Option(help="The new version: model_repository/MODEL/NUMBER.")],
    stages: Annotated[str, typer.Option(help="Preprocessing: fast, exact or bilinear.")] = "fast",
    image: Images = None,
    int8: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Compute in 8 bits, calibrated on the line images there: half the time and a "
            "quarter of the size.",
        ),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Export a checkpoint as a new version, and compare it with torch.

    Example: ocrctl export onnx runs/crnn/best.pt --to model_repository/crnn/1

    Example: ocrctl train lines build/lines --no-held-out && ocrctl export onnx runs/crnn/best.pt
    --to model_repository/crnn/2 --int8 build/lines
    """
    with _one_line_errors():
        from ocr_preprocessing.spec import LineSpec  # noqa: PLC0415  # loads slowly

        from .export import export_version  # noqa: PLC0415  # loads slowly

        spec = LineSpec(stages=stages)  # type: ignore[arg-type]  # LineSpec refuses other words
        _report(export_version(checkpoint, to, spec, image or (), int8), as_json=as_json)


@app.command("modelscope")
def export_modelscope(
    folder: Annotated[
        Path,
        typer.Argument(help="With configuration.json, pytorch_model.pt and vocab.txt."),
    ],
    to: Annotated[Path, typer.Option(help="The new version: model_repository/MODEL/NUMBER.")],
    image: Images = None,
    *,
    as_json: Json = False,
) -> None:
    """Import a recogniser of ModelScope's, CRNN or ConvNextViT, as a model of its own.

    Example: ocrctl export modelscope cv_crnn_ocr-recognition-general_damo
    --to model_repository/crnn_modelscope/1
    """
    with _one_line_errors():
        from .export import export_modelscope as export  # noqa: PLC0415  # loads slowly

        _report(export(folder, to, image or ()), as_json=as_json)


@app.command("finder")
def export_finder(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of `ocrctl train finder`.")],
    to: Annotated[Path, typer.Option(help="The new version: model_repository/MODEL/NUMBER.")],
    *,
    as_json: Json = False,
) -> None:
    """Export a line finder as a new version, and compare it with torch.

    Example: ocrctl export finder build/training/line_finder/ema.pt
    --to model_repository/line_finder/1
    """
    with _one_line_errors():
        from .finder_export import export_finder as export  # noqa: PLC0415  # loads slowly

        version = export(checkpoint, to)
        size = version.model.stat().st_size
        if as_json:
            print(json.dumps({"directory": str(version.directory), "bytes": size, "equal": True}))
            return
        print(f"{version.directory}: {size:,} bytes; its maps are those of torch")


@app.command("check")
def check(
    directory: Annotated[Path, typer.Argument(help="A version: model_repository/MODEL/NUMBER.")],
    checkpoint: Annotated[Path, typer.Option(help="The file or the folder it was exported from.")],
    image: Images = None,
    *,
    as_json: Json = False,
) -> None:
    """Compare an exported version with its checkpoint, on line images.

    Exit code 1 when code points differ or a confidence differs by more than 0.001.

    Example: ocrctl export check model_repository/crnn/1 --checkpoint runs/crnn/best.pt
    """
    with _one_line_errors():
        from .export import check_version  # noqa: PLC0415  # loads slowly

        exported = check_version(directory, checkpoint, image or ())
        _report(exported, as_json=as_json)
    if not exported.equal:
        raise typer.Exit(1)


@app.command("accuracy")
def accuracy(
    directory: Annotated[Path, typer.Argument(help="A version: model_repository/MODEL/NUMBER.")],
    facts: Annotated[Path, typer.Argument(help="A JSON object, as the scoring tool wrote it.")],
) -> None:
    """Put measured accuracy into a version's meta.json.

    Example: ocrctl export accuracy model_repository/crnn/1 scores.json
    """
    with _one_line_errors():
        from .repository import Version, record_accuracy  # noqa: PLC0415  # loads slowly

        content = json.loads(facts.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise typer.BadParameter(f"{facts} holds no JSON object")
        version = Version.at(directory)
        record_accuracy(version, content)
        print(f"{version.meta}: accuracy recorded")


def _report(exported: Exported, *, as_json: bool) -> None:
    version, parity, drift = exported.version, exported.parity, exported.drift
    size = version.model.stat().st_size
    if as_json:
        facts = {"directory": str(version.directory), "bytes": size, "equal": exported.equal}
        eight = None if drift is None else dataclasses.asdict(drift)
        print(json.dumps(facts | dataclasses.asdict(parity) | {"int8": eight}))
        return
    print(f"{version.directory}: {size:,} bytes; against torch: {parity}")
    if drift is not None:
        print(f"in 8 bits: {drift}")


@contextlib.contextmanager
def _one_line_errors() -> Iterator[None]:
    """Every expected fault becomes one line on stderr and exit code 1."""
    try:
        yield
    except ModuleNotFoundError as error:
        typer.echo(f"{error.name} is missing: pip install 'ocr-rollout[export]'", err=True)
        raise typer.Exit(1) from None
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from None
