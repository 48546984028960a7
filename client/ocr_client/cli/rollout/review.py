"""`ocrctl rollout review`: what is put aside for people to check, and what they said."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .options import By, Config, Json, StoreURL, login, print_json, refusing

if TYPE_CHECKING:
    from ocr_client.reviews.desk import ReviewDesk
    from ocr_rollout.stores import Sample

app = typer.Typer(
    name="review",
    help="What is put aside for people to check, and what they said.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command(name="list")
def list_(
    *,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="The newest so many.")] = 50,
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """List samples, disagreements and feedback, the newest first; with --json one object a line.

    It says which arm answered, so it is not for reviewers at work.

    Example: ocrctl rollout review list --limit 10
    """
    with refusing():
        desk = _desk(config, store)
        found = sorted(_all(desk), key=lambda sample: sample.at_s, reverse=True)[:limit]
        if as_json:
            for sample in found:
                print_json(_document(sample))
        elif found:
            _print(found)
        else:
            print("nothing is put aside; shares are in the section `review` of the configuration")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="A new folder, or an empty one.")],
    *,
    config: Config = None,
    store: StoreURL = None,
) -> None:
    """Write everything that was reviewed: reviews.jsonl, and the images beside it.

    Example: ocrctl rollout review export reviewed/
    """
    with refusing():
        from ocr_client.operations.refused import RefusedError  # noqa: PLC0415

        desk = _desk(config, store)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if any(folder.iterdir()):
                raise RefusedError(f"{folder}: is not empty; name another folder")
            lines, images = _written(desk, folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise RefusedError(f"{folder}: {reason}; name another folder") from None
        print(f"{folder}: {lines} reviews, {images} images")


@app.command()
def delete(
    *,
    before: Annotated[
        str | None, typer.Option(metavar="DATE", help="What was put aside before, e.g. 2026-05-04.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="HASH", help="A user's, by the hash that `list` shows.")
    ] = None,
    user_id: Annotated[
        str | None, typer.Option(metavar="ID", help="A user's, by the id that requests carry.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
    by: By = None,
    config: Config = None,
    store: StoreURL = None,
    as_json: Json = False,
) -> None:
    """Delete samples, images, reviews and feedback for good. What was counted stays.

    --before and --user together: what is both. In the audit log stands who did it, and how many.
    A Redis with an append-only file holds them in there until its next BGREWRITEAOF.

    Example: ocrctl rollout review delete --before 2026-05-04 --by ann
    """
    with refusing():
        from ocr_client.operations import reviewing, setting  # noqa: PLC0415
        from ocr_client.operations.refused import RefusedError  # noqa: PLC0415
        from ocr_client.reviews.people import user_hash  # noqa: PLC0415

        if user is not None and user_id is not None:
            raise RefusedError("--user and --user-id say the same; give one of them")
        if every and (before, user, user_id) != (None, None, None):
            raise RefusedError("--all goes with nothing else")
        try:
            before_s = math.inf if before is None else reviewing.parsed_date(before)
        except ValueError as error:
            raise RefusedError(f"--before: {error}") from None
        gone = reviewing.delete(
            setting.setting(config, store),
            by=login() if by is None else by,
            before_s=before_s,
            user=user if user_id is None else user_hash(user_id),
            every=every,
        )
        if as_json:
            print_json({"deleted": gone})
        else:
            print(f"{gone} deleted")


def _desk(config: str | None, store: str | None) -> ReviewDesk:
    from ocr_client.operations import reviewing, setting  # noqa: PLC0415

    return reviewing.desk_of(setting.setting(config, store))


def _all(desk: ReviewDesk) -> Iterator[Sample]:
    from ocr_rollout.stores.samples import KINDS  # noqa: PLC0415

    for kind in KINDS:
        yield from desk.store.samples(-math.inf, math.inf, 1_000_000, kind=kind)


def _document(sample: Sample) -> dict[str, Any]:
    return {
        "id": sample.id,
        "kind": sample.kind,
        "at_s": sample.at_s,
        "expires_s": sample.expires_s,
        **sample.document,
        "review": None if sample.review is None else dict(sample.review),
    }


def _written(desk: ReviewDesk, folder: Path) -> tuple[int, int]:
    """How many reviews and images."""
    import json  # noqa: PLC0415

    from ocr_client.reviews.pictures import media_type  # noqa: PLC0415

    lines = images = 0
    with (folder / "reviews.jsonl").open("w", encoding="utf-8") as file:
        for sample, _ in desk.reviewed():
            lines += 1
            document = {**_document(sample), "image": None}
            content = desk.image(sample.id)
            if content is not None:
                images += 1
                suffix = media_type(content).partition("/")[2]
                document["image"] = f"{lines:06}.{suffix}"  # an id may be anything
                (folder / document["image"]).write_bytes(content)
            file.write(json.dumps(document, ensure_ascii=False) + "\n")
    return lines, images


def _print(samples: list[Sample]) -> None:
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from ocr_client.cli.table import print_table  # noqa: PLC0415
    from ocr_client.operations.words import moment, zone  # noqa: PLC0415
    from ocr_client.reviews.samples import user_of  # noqa: PLC0415

    table = Table(f"time ({zone()})", "id", "what", "arm", "text", "user", "review")
    for sample in samples:
        table.add_row(
            moment(sample.at_s),
            *map(Text, (sample.id, sample.kind, *_said(sample), user_of(sample) or "")),
            Text(_review(sample)),
        )
    print_table(table)


def _said(sample: Sample) -> tuple[str, str]:
    """Arm and text."""
    found = sample.document
    if sample.kind == "pair":
        arms = f"{found.get('stable_arm')} / {found.get('candidate_arm')}"
        return arms, f"{found.get('stable_text')} / {found.get('candidate_text')}"
    return str(found.get("arm", "")), str(found.get("text", ""))


def _review(sample: Sample) -> str:
    found = sample.review
    if found is None:
        return ""
    if found.get("status") == "done":
        return f"{found.get('truth')} ({found.get('kind')}, by {found.get('by')})"
    if found.get("status") == "said":
        said = "right" if found.get("right") else "wrong"
        return f"{said}: {found['text']}" if found.get("text") else said
    return str(found.get("status"))
