"""What the reading verbs find out, and how it is printed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ocr_client.versions import checks
from ocr_client.versions.errors import ControlError, RepositoryError
from ocr_client.versions.places import Repository, VersionFolder, arm_of
from ocr_rollout.core.routing import Arm

if TYPE_CHECKING:
    from ocr_client.control import Endpoint
    from ocr_client.versions.doctor import Finding
    from ocr_client.versions.site import Site


@dataclasses.dataclass(frozen=True)
class Row:
    """One version. listed: config.pbtxt names it. states: HTTP address -> Triton's word for it.

    done: what these commands did to it last, and when (UTC).
    """

    model: str
    version: int
    where: str
    listed: bool
    sha256: str
    megabytes: float
    states: dict[str, str]
    done: str


def rows(site: Site) -> list[Row]:
    """Of the repository, of what is kept beside it, and of what only servers have."""
    repository = site.repository
    states = {str(endpoint): _states(site, endpoint) for endpoint in site.fleet.endpoints}
    last = {event.arm: event for event in site.history.events()}
    found = []
    kept = repository.work / "retired"
    names = {path.name for path in kept.iterdir()} if kept.is_dir() else set()
    for name in sorted({*repository.models(), *names}):
        model, aside = repository.model(name), repository.retired(name)
        listed = model.listed() if model.config.exists() else ()
        numbers = {*listed, *model.there(), *aside.there()}
        for number in sorted(numbers):
            arm, here = Arm(name, number), model.version(number)
            folder = here if here.path.is_dir() else aside.version(number)
            where = "repository" if here.path.is_dir() else "kept aside"
            event = last.get(arm)
            when = "" if event is None else f"{event.verb} {_day(event.at_s)}"
            found.append(
                Row(
                    name,
                    number,
                    where if folder.path.is_dir() else "MISSING",
                    number in listed,
                    _said_digest(folder),
                    round(folder.model.stat().st_size / 1e6, 1) if folder.model.is_file() else 0.0,
                    {url: held.get(arm, "") for url, held in states.items()},
                    when,
                )
            )
    return found


def verified(repository: Repository, arms: Sequence[str]) -> dict[Arm, tuple[str, ...]]:
    """Arm -> what is wrong with its files. Raises VersionsError for an arm that is not there."""
    wanted = [arm_of(text) for text in arms] or [
        Arm(model, number)
        for model in repository.models()
        for number in sorted({*repository.model(model).there(), *repository.model(model).listed()})
    ]
    found = {}
    for arm in wanted:
        model = repository.model(arm.model)
        if not model.config.exists():
            raise RepositoryError(f"{arm}: {model.config} is missing")
        found[arm] = checks.verify(arm, model.version(arm.version), model.config_text())
    return found


def print_rows(found: Iterable[Row]) -> None:
    from rich.table import Table  # noqa: PLC0415  # slow to import
    from rich.text import Text  # noqa: PLC0415  # slow to import

    from ocr_client.cli.table import print_table  # noqa: PLC0415  # imports OpenCV

    listed = list(found)
    urls = list(dict.fromkeys(url for row in listed for url in row.states))
    table = Table("version", "files", "listed", *urls, "MB", "sha256", "last")
    for row in listed:
        table.add_row(
            f"{row.model}:{row.version}",
            row.where,
            "yes" if row.listed else "no",
            *(row.states.get(url, "") or "-" for url in urls),
            f"{row.megabytes:.1f}",
            Text(row.sha256[:12]),
            row.done,
        )
    print_table(table)


def print_findings(found: Sequence[Finding]) -> None:
    for item in found:
        print(f"{item.severity}: {item.subject}: {item.what}")
        if item.mend:
            print(f"  mend: {item.mend}")
    if not any(item.wrong for item in found):
        print("nothing is wrong")


def _states(site: Site, endpoint: Endpoint) -> dict[Arm, str]:
    """Triton's words; an endpoint that does not answer says so on stderr and has none."""
    try:
        states = site.fleet.control.index(endpoint)
    except ControlError as error:
        print(f"ocrctl: {error}", file=sys.stderr)
        return {}
    return {
        Arm(state.model, int(state.version)): state.state
        for state in states
        if state.version.isdigit()
    }


def _said_digest(folder: VersionFolder) -> str:
    try:
        return str(folder.read_meta()["sha256"])
    except RepositoryError:
        return ""


def _day(at_s: float) -> str:
    moment = dt.datetime.fromtimestamp(at_s, dt.timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M")
