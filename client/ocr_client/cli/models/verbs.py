"""The verbs. Each parses, calls, prints."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import setting
from .setting import (
    REPOSITORY,
    SAMPLES,
    Against,
    Config,
    Json,
    KeyFile,
    Limit,
    Margin,
    Named,
    NewAlphabet,
    Root,
    Smoke,
    Wait,
    Work,
)

if TYPE_CHECKING:
    from ocr_client.versions.serve import Ready

app = typer.Typer(
    name="models",
    help="Publish, activate and retire versions of a model, under load.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def list_models(
    *,
    repository: Root = REPOSITORY,
    work: Work = None,
    endpoint: Named = None,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Every version: is it listed, who serves it, when was it published.

    Example: ocrctl models list
    """
    from .show import print_rows, rows  # noqa: PLC0415  # slow to import

    with setting.one_line_errors():
        found = rows(setting.site_of(repository, work, endpoint, key_file))
    if as_json:
        print(json.dumps([dataclasses.asdict(row) for row in found], ensure_ascii=False))
    else:
        print_rows(found)


@app.command()
def verify(
    arm: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL:VERSION]...", help="Default: all.")
    ] = None,
    *,
    repository: Root = REPOSITORY,
    as_json: Json = False,
) -> None:
    """Check files against meta.json, configuration and oldest runtime; exit 1 if one is not fit.

    Example: ocrctl models verify crnn:2
    """
    from .show import verified  # noqa: PLC0415  # slow to import

    with setting.one_line_errors():
        found = verified(setting.repository_of(repository, None), arm or ())
    if as_json:
        print(json.dumps({str(name): list(reasons) for name, reasons in found.items()}))
    for name, reasons in found.items() if not as_json else ():
        print(f"{name}: {'; '.join(reasons) if reasons else 'ok'}")
    if any(found.values()):
        raise typer.Exit(setting.FAILED)


@app.command()
def publish(  # noqa: PLR0913  # as many parameters as the verb has options
    model: Annotated[str, typer.Argument(help="Its name in the repository, e.g. crnn.")],
    onnx: Annotated[Path, typer.Argument(help="model.onnx, meta.json beside it.")],
    *,
    version: Annotated[
        str | None, typer.Option(metavar="N", help="Default: the next number.")
    ] = None,
    smoke: Smoke = SAMPLES,
    cer_limit: Limit = None,
    cer_margin: Margin = None,
    against: Against = None,
    new_alphabet: NewAlphabet = False,
    config_pbtxt: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Of a model that is new here; default: in the folder above ONNX."
        ),
    ] = None,
    repository: Root = REPOSITORY,
    work: Work = None,
    endpoint: Named = None,
    key_file: KeyFile = None,
    config: Config = None,
    wait: Wait = 0.0,
    as_json: Json = False,
) -> None:
    """Add a version: checked, loaded everywhere, golden lines read; then ready for traffic.

    On any failure everything is put back. No traffic moves: that is what weights are for.

    Example: ocrctl models publish crnn build/crnn/2/model.onnx
    """
    with setting.one_line_errors():
        from ocr_client.versions.places import model_name, version_number  # noqa: PLC0415  # slow
        from ocr_client.versions.serve import publish as run  # noqa: PLC0415  # slow to import

        name = model_name(model)
        number = None if version is None else version_number(version)
        standard = setting.standard_of(
            smoke, cer_limit, cer_margin, against, config, new_alphabet=new_alphabet
        )
        site = setting.site_of(repository, work, endpoint, key_file, wait_s=wait)
        setting.refuse_unnamed(site, config)
        ready = run(site, name, onnx, standard, version=number, config=config_pbtxt)
    _print_ready(ready, as_json=as_json)


@app.command()
def activate(  # noqa: PLR0913  # as many parameters as the verb has options
    arm: Annotated[str, typer.Argument(metavar="MODEL:VERSION")],
    *,
    smoke: Smoke = SAMPLES,
    cer_limit: Limit = None,
    cer_margin: Margin = None,
    against: Against = None,
    new_alphabet: NewAlphabet = False,
    repository: Root = REPOSITORY,
    work: Work = None,
    endpoint: Named = None,
    key_file: KeyFile = None,
    config: Config = None,
    wait: Wait = 0.0,
    as_json: Json = False,
) -> None:
    """Serve a version that lies in the repository unlisted, or was retired with --keep.

    Checked and proven as `publish` does.

    Example: ocrctl models activate crnn:2
    """
    with setting.one_line_errors():
        from ocr_client.versions.places import arm_of  # noqa: PLC0415  # slow to import
        from ocr_client.versions.serve import activate as run  # noqa: PLC0415  # slow to import

        wanted = arm_of(arm)
        standard = setting.standard_of(
            smoke, cer_limit, cer_margin, against, config, new_alphabet=new_alphabet
        )
        site = setting.site_of(repository, work, endpoint, key_file, wait_s=wait)
        setting.refuse_unnamed(site, config)
        ready = run(site, wanted, standard)
    _print_ready(ready, as_json=as_json)


@app.command()
def retire(  # noqa: PLR0913  # as many parameters as the verb has options
    arm: Annotated[str, typer.Argument(metavar="MODEL:VERSION")],
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Put the files aside; `activate` brings them back.")
    ] = False,
    stop_old: Annotated[
        bool,
        typer.Option("--stop-old", help="Give up the way back of a completed rollout (with --by)."),
    ] = False,
    by: Annotated[str, typer.Option(metavar="NAME", help="Who says so.")] = "",
    repository: Root = REPOSITORY,
    work: Work = None,
    endpoint: Named = None,
    key_file: KeyFile = None,
    config: Config = None,
    wait: Wait = 0.0,
) -> None:
    """Unload a version that has no traffic, then delete it.

    Refused for an arm that is stable, has a share, or would be gone back to.

    Example: ocrctl models retire crnn:1 --keep
    """
    with setting.one_line_errors():
        from ocr_client.versions.places import arm_of  # noqa: PLC0415  # slow to import
        from ocr_client.versions.retiring import retire as run  # noqa: PLC0415  # slow to import

        gone = arm_of(arm)
        site = setting.site_of(repository, work, endpoint, key_file, wait_s=wait)
        setting.refuse_unnamed(site, config)
        run(site, gone, setting.uses_of(config), keep=keep, stop_old=stop_old, by=by)
    print(f"{gone} is retired{'; its files are kept' if keep else ''}")


@app.command()
def recover(
    *,
    repository: Root = REPOSITORY,
    work: Work = None,
    endpoint: Named = None,
    key_file: KeyFile = None,
    wait: Wait = 0.0,
) -> None:
    """Finish or undo an interrupted command; then every server loads what the files list.

    Every other verb that changes something does the first half by itself.

    Example: ocrctl models recover
    """
    with setting.one_line_errors():
        from ocr_client.versions.reconcile import reconcile  # noqa: PLC0415  # slow to import

        site = setting.site_of(repository, work, endpoint, key_file, wait_s=wait)
        for line in reconcile(site):
            print(line)
    print("every server serves what the files list")


@app.command()
def doctor(
    *,
    repository: Root = REPOSITORY,
    work: Work = None,
    endpoint: Named = None,
    key_file: KeyFile = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Repository, servers and store side by side; each finding with the command that mends it.

    Exit code 1 when something is wrong. Notes are not: they say what to know.

    Example: ocrctl models doctor
    """
    from .show import print_findings  # noqa: PLC0415  # slow to import

    with setting.one_line_errors():
        from ocr_client.versions.doctor import examine  # noqa: PLC0415  # slow to import

        site = setting.site_of(repository, work, endpoint, key_file)
        options = setting.repeated(repository, work, endpoint, key_file)
        own = [] if config is None else ["--config", str(config)]
        found = examine(
            site,
            setting.config_of(config),
            options=options,
            config_options=shlex.join(own),
        )
    if as_json:
        print(json.dumps([dataclasses.asdict(item) for item in found], ensure_ascii=False))
    else:
        print_findings(found)
    if any(item.wrong for item in found):
        raise typer.Exit(setting.FAILED)


def _print_ready(ready: Ready, *, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "arm": {"model": ready.arm.model, "version": ready.arm.version},
        "sha256": ready.sha256,
        "endpoints": list(ready.endpoints),
        "cer": round(ready.cer, 4),
        "verdicts": list(ready.verdicts),
    }
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        print(f"{ready.arm} is ready for traffic at {', '.join(ready.endpoints)}")
