"""A rollout with time compressed, on a Triton of its own: `make demo-rollout`.

A healthy candidate goes from 10 to 100 % with a person's approval at each gate; the next version,
whose export went wrong, is started like it and taken back by itself in its first phase. Client
processes have lines read all the while and count what a caller would notice: nothing.

Exit code 0: all of it was so. 1: something was not; the last lines say what. 130: interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

from benchmarks.broken_models import HEALTHY, Kind, Made, serve_versions, write_repository
from benchmarks.client_processes import Clients
from benchmarks.demo_report import Rollout, checks, phase_table
from benchmarks.demo_scenes import FAULTS, Scenes, plan_of, rollout_id
from benchmarks.demo_story import Story
from benchmarks.rollout_site import ROOT, Site, SiteError, wait_until
from benchmarks.traffic import Tally

from ocr_rollout.core.routing import Arm
from ocr_server import EmbeddedTriton, Ports, ServerError
from ocr_server.places import safe_path

REPOSITORY: Final = ROOT / "model_repository"
LIMIT_S: Final = 180.0
INTERRUPTED: Final = 130


@dataclasses.dataclass(frozen=True)
class Settings:
    """made: tiny made models instead of the repository's. broken: how the next version is bad, on
    which share of the images. processes, threads in each: of clients. limit_s: for all of it.
    """

    made: bool
    broken: Kind
    share: float
    processes: int
    threads: int
    limit_s: float


def main(arguments: list[str] | None = None) -> int:
    """See the module."""
    settings = Settings(**vars(_parser().parse_args(arguments)))
    story = Story()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with _folder() as folder:
            missed = run(settings, story, folder)
    except KeyboardInterrupt:
        story.clear()
        print("demo-rollout: interrupted; all that it had started was ended", file=sys.stderr)
        return INTERRUPTED
    except (SiteError, ServerError, OSError) as error:
        story.clear()
        # The server's log has gone with everything else.
        print(f"demo-rollout: {re.sub(r' [(]log: .*[)]$', '', str(error))}", file=sys.stderr)
        return 1
    for text in missed:
        print(f"demo-rollout: not as it should be: {text}", file=sys.stderr)
    return 1 if missed else 0


def run(settings: Settings, story: Story, folder: Path) -> list[str]:
    """What was not as it should be. Raises SiteError or ServerError where it cannot go on."""
    stable, candidate = (_highest(model, settings) for model in ("convnext", "crnn"))
    following = Arm(candidate.model, candidate.version + 1)
    broken = Made(settings.broken, share=settings.share)
    repository = _repository(folder, settings, (stable, candidate))
    story.plain(
        "Four phases in a minute instead of a week, then a broken version. Everything runs on a\n"
        "Triton of its own and in a folder of its own; no server or file of yours is touched.\n"
    )
    with EmbeddedTriton(repository, ports=Ports(0, 0, 0)) as triton:
        story.say(f"Triton serves {stable}, in production, and {candidate}, the candidate")
        site = Site(folder, repository, triton.http_url, triton.metrics_url)
        site.configure(plan_of(stable, candidate))
        images = None if settings.made else ROOT / "samples"
        with Clients(site, settings.processes, threads=settings.threads, images=images) as clients:
            wait_until(lambda: clients.tally.answers.total() > 20, "first answers")
            story.say(
                f"{settings.processes} client processes have lines read, {settings.threads} "
                "at a time each, every one for another user"
            )
            scenes = Scenes(story, site, clients)
            scenes.goes_all_the_way(stable, candidate)
            scenes.next_version_comes(triton, candidate, following, broken)
            scenes.is_taken_back(following)
            tally = clients.close()
    return _told(story, site, tally, (candidate, following), settings.limit_s)


def _told(
    story: Story, site: Site, tally: Tally, arms: tuple[Arm, Arm], limit_s: float
) -> list[str]:
    """The end of the story. Returns what was not as it should be."""
    entries = site.history()
    healthy, broken = (Rollout.of(rollout_id(arm), str(arm), entries) for arm in arms)
    story.title("What callers saw")
    story.plain(phase_table((healthy, broken), tally))
    story.plain(
        f"\n{tally.answers.total()} answers in all, the slowest after {tally.slowest_ms:.0f} ms; "
        f"stable stepped in {tally.fell_back + tally.rescued} times"
    )
    story.title("What the audit log says: $ ocrctl rollout history")
    site.ocrctl("rollout", "history", show=True)
    story.title("Was it as it should be?")
    found = checks(healthy, broken, tally, took_s=story.elapsed_s, limit_s=limit_s)
    for check in found:
        story.plain(f"{'yes' if check.met else 'NO '}  {check.text}")
    return [check.text for check in found if not check.met]


def _highest(model: str, settings: Settings) -> Arm:
    """The newest version in the repository. Raises SiteError where there is none."""
    if settings.made:
        return Arm(model, 1)
    versions = [int(path.parent.name) for path in REPOSITORY.glob(f"{model}/*/model.onnx")]
    if not versions:
        raise SiteError(f"{REPOSITORY.name}/ has no version of {model}; try it with --made")
    return Arm(model, max(versions))


def _repository(folder: Path, settings: Settings, arms: tuple[Arm, ...]) -> Path:
    """A copy that may be changed, of these arms alone."""
    repository = folder / "models"
    if settings.made:
        return write_repository(repository, {str(arm): HEALTHY for arm in arms})
    for arm in arms:
        source, target = REPOSITORY / arm.model, repository / arm.model
        shutil.copytree(source / str(arm.version), target / str(arm.version))
        shutil.copy(source / "config.pbtxt", target)
        serve_versions(repository, arm.model, (arm.version,))
    return repository


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """Everything lies in it, the server's state, too, so that nobody's own server is met."""
    with tempfile.TemporaryDirectory(prefix="demo-rollout-") as name:
        try:
            folder = safe_path(Path(name), "temporary folder")
        except ServerError:
            raise SiteError(
                f"Triton cannot work in {name}: set TMPDIR to a folder without spaces or quotes"
            ) from None
        os.environ["OCR_ROLLOUT_STATE"] = str(folder / "state")
        yield folder


def _interrupt(*_: object) -> NoReturn:
    """Once: what ends everything is not to be interrupted itself."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    print("\ndemo-rollout: ending what was started ...", file=sys.stderr, flush=True)
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.demo_rollout",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--made", action="store_true", help="tiny made models, not the shipped ones"
    )
    parser.add_argument(
        "--broken", choices=FAULTS, default="raises", help="how the next version is bad (raises)"
    )
    parser.add_argument(
        "--share", type=_share, default=0.5, help="of the images that it is bad on (0.5)"
    )
    parser.add_argument("--processes", type=_few, default=3, help="of clients (3)")
    parser.add_argument("--threads", type=_few, default=2, help="of each of them (2)")
    parser.add_argument("--limit-s", type=float, default=LIMIT_S, help="for all of it (180)")
    return parser


def _share(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a share above 0 and up to 1")


def _few(text: str) -> int:
    with contextlib.suppress(ValueError):
        if 1 <= int(text) <= 16:
            return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 16")


if __name__ == "__main__":
    sys.exit(main())
