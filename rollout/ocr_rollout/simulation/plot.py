"""Draws a simulation: for who stands at a gate and asks what the judge would have done.

The only module that imports matplotlib (extra `[plot]`).
"""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from ocr_rollout.core.routing import BUCKETS

from .odds import Scenario, healthy
from .picture import Picture
from .rules import NEVER

SIZE_IN: Final = (14.0, 9.6)
DPI: Final = 110
WINDOW: Final = 100  # requests that the running share of errors looks back on

JUDGE, BAD, GOOD, QUIET = "#0b3d91", "#c62828", "#2e7d32", "#666666"
# The judge's rules in cold colours, the others' in warm ones and broken lines.
COLOURS: Final[Mapping[str, str]] = {
    "early": "#1e88e5",
    "late": "#00897b",
    "share": "#8e24aa",
    "quality": "#7cb342",
    "latency": "#00acc1",
}
OTHERS: Final = ("#fbc02d", "#ef6c00", "#a1887f", "#d81b60", "#5d4037")
_THOUSANDS: Final = FuncFormatter(lambda value, _: f"{value:,.0f}")
_PERCENT: Final = PercentFormatter(1, decimals=0, symbol=" %")


def draw(picture: Picture, file: Path) -> None:
    """Writes the file, its format by its suffix. Raises OSError where it cannot."""
    figure = Figure(figsize=SIZE_IN, dpi=DPI, layout="constrained")
    (story, waiting), (odds, days) = figure.subplots(2, 2)
    figure.suptitle(headline(picture), fontsize=15, fontweight="bold", color=JUDGE)
    _draw_story(story, picture)
    _draw_waiting(waiting, picture)
    _draw_odds(odds, picture)
    _draw_days(days, picture)
    for axes in (story, waiting, odds, days):
        axes.grid(visible=True, alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.set_major_formatter(_PERCENT)
    handles, labels = odds.get_legend_handles_labels()
    figure.legend(
        handles[::-1], labels[::-1], loc="outside lower center", ncols=4, fontsize=9, frameon=False
    )
    figure.savefig(file)


def headline(picture: Picture) -> str:
    """What was tried, and what it came to."""
    scenario, judge, plan = picture.scenario, picture.table[0], picture.plan
    tried = f"{plan.stable} -> {plan.candidate}: {scenario.candidate_error * 100:.3g} % errors"
    if scenario.becomes is not None:
        tried += f", from request {scenario.after:,} on {scenario.becomes * 100:.3g} %"
    if judge.median is not None:
        often = "" if judge.p95 is None else f", in 95 % of cases within {judge.p95:,.0f}"
        since = " after it went bad" if _turned(scenario) else ""
        return f"{tried}\ntaken back {judge.median:,.0f} requests{since or ' in'} (median){often}"
    share = judge.found or judge.false
    return (
        f"{tried}\ntaken back in {share * 100:.3g} % of {scenario.rollouts:,} rollouts "
        f"of {scenario.requests:,} candidate requests"
    )


def _draw_story(axes: Axes, picture: Picture) -> None:
    """One rollout: its errors, their running share, and where each rule speaks."""
    scenario, stream = picture.scenario, picture.stream
    turned, n = _turned(scenario), len(stream.errors)
    spoke = sorted((at, name) for name, at in stream.fired.items() if name in COLOURS)
    if spoke:  # as much before the change as after it, and the rules that soon follow the first
        reach = max(spoke[0][0] - turned, 20)
        last = min(n, turned + 6 * reach)
        first = max(0, turned - 2 * reach)
    else:
        first, last = 0, n
    x = np.arange(first + 1, last + 1)
    total = np.concatenate([[0], np.cumsum(stream.errors)])
    begin = np.maximum(x - WINDOW, 0)
    running = (total[x] - total[begin]) / (x - begin)
    axes.plot(x, running, color=JUDGE, linewidth=1.6)
    failed = np.flatnonzero(stream.errors[:last]) + 1
    failed = failed[failed > first]
    axes.vlines(failed, 0, 0.03, transform=axes.get_xaxis_transform(), color=BAD, linewidth=1)
    limit = picture.plan.limits.errors
    axes.axhline(limit, color=BAD, linewidth=1.2)
    _label(axes, last, limit, "limit", BAD)
    after = scenario.candidate_error if scenario.becomes is None else scenario.becomes
    axes.step(
        [first, max(turned, first), last],
        [scenario.candidate_error, after, after],
        where="post",
        color=QUIET,
        linestyle=":",
    )
    up = 5 if running[-1] >= after else -5  # where the two meet, so that both can be read
    _label(axes, last, running[-1], f"last {WINDOW}", JUDGE, up)
    _label(axes, last, after, "true", QUIET, -up)
    axes.set(xlim=(first, last), ylim=(0, min(1.02, 1.25 * max(2 * limit, after, *running[20:]))))
    for at, name in spoke:
        if at <= last:
            axes.axvline(at, color=COLOURS[name], linewidth=2)
            axes.annotate(
                f"{name} @ {at - turned:,}",
                (at, 0.98),
                xycoords=("data", "axes fraction"),
                xytext=(-3, 0),
                textcoords="offset points",
                rotation=90,
                va="top",
                ha="right",
                color=COLOURS[name],
                fontsize=9,
                fontweight="bold",
            )
    if spoke:
        axes.axvspan(spoke[0][0], last, color=BAD, alpha=0.07)
        axes.set_title("One rollout (the median one): in the red, stable alone would answer")
    else:
        axes.set_title("One rollout (the median one): no rule speaks")
    axes.xaxis.set_major_formatter(_THOUSANDS)
    axes.set_xlabel("candidate requests (red ticks: errors)")
    axes.set_ylabel("share of errors")


def _draw_waiting(axes: Axes, picture: Picture) -> None:
    """How many rollouts each rule has taken back by then."""
    scenario = picture.scenario
    turned = _turned(scenario)
    end = max(scenario.requests - turned, 2)
    for name, colour, style in _lines(picture):
        since = picture.fired[name].astype(np.float64) - turned
        since = np.sort(since[picture.fired[name] != NEVER])
        falsely = int((since <= 0).sum())
        x = np.concatenate([[1], np.maximum(since[falsely:], 1), [end]])
        y = np.arange(falsely, len(since) + 1) / scenario.rollouts
        axes.step(x, [*y, y[-1]], where="post", color=colour, **style)
    axes.set_xscale("log")
    axes.set(xlim=(1, end), ylim=(-0.02, 1.03))
    axes.xaxis.set_major_formatter(_THOUSANDS)
    axes.set_title(f"How soon: taken back by then, of {scenario.rollouts:,} rollouts")
    axes.set_xlabel("candidate requests" + (" since it went bad" if turned else ""))
    if turned:
        axes.annotate("falsely, before it went bad", (1.15, 0.02), color=QUIET, fontsize=8)


def _draw_odds(axes: Axes, picture: Picture) -> None:
    """How likely a rollback is, by how bad the candidate is."""
    swept, limit = picture.sweep, picture.plan.limits.errors
    for name, colour, style in _lines(picture):
        said = "judge: all of its rules" if name == "judge" else name
        axes.plot(swept.rates, swept.taken_back[name], color=colour, label=said, **style)
    ends = float(swept.rates[0]), float(swept.rates[-1])
    # A candidate that is too slow, or too often empty, should go however few errors it makes.
    flawless = dataclasses.replace(picture.scenario, candidate_error=0.0, becomes=None)
    most = limit if healthy(flawless, picture.plan.limits) else ends[0]
    for low, high, colour, said in ((ends[0], most, GOOD, "stay"), (most, ends[1], BAD, "go")):
        if low < high:
            axes.axvspan(low, high, color=colour, alpha=0.06)
            axes.annotate(
                f"should {said}",
                ((low * high) ** 0.5, 0.5),
                color=colour,
                ha="center",
                fontsize=11,
            )
    axes.axvline(limit, color=BAD, linewidth=1.2)
    axes.set_xscale("log")
    axes.set(xlim=ends, ylim=(-0.02, 1.03))
    axes.set_xticks([0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.set_title(f"How surely: odds of a rollback within {swept.requests:,} candidate requests")
    axes.set_xlabel("true error rate of the candidate, from the start")


def _draw_days(axes: Axes, picture: Picture) -> None:
    """The candidate's share by the plan, and how far it comes."""
    plan, story = picture.plan, picture.timeline
    planned = np.cumsum([0.0, *(phase.min_dwell_s / 86_400 for phase in plan.phases)])
    shares = [plan.weight_bp(k) / BUCKETS for k in range(len(plan.phases))]
    axes.stairs(shares, planned, color=QUIET, linestyle=":", label="planned")
    days = np.cumsum([0.0, *(stay.hours / 24 for stay in story.stays)])
    axes.stairs([stay.share for stay in story.stays], days, color=JUDGE, fill=True, alpha=0.25)
    axes.stairs([stay.share for stay in story.stays], days, color=JUDGE, linewidth=2)
    end = max(float(days[-1]), float(planned[-1]), 1e-3)
    axes.set(ylim=(0, 1.1), xlim=(-0.01 * end, end * 1.03))
    ended = story.outcome.replace("_", " ")
    if story.stays:
        bad = story.outcome != "completed"
        height = story.stays[-1].share
        axes.plot(days[-1], height, "X" if bad else "o", color=BAD if bad else GOOD, markersize=12)
        hours = f"{days[-1] * 24:.1f} h" if days[-1] < 2 else f"{days[-1]:.1f} days"
        why = textwrap.fill(story.reason, 52) if bad else f"{len(story.stays)} phases"
        axes.text(
            0.03,
            0.97,
            f"{ended} after {hours}\n{why}",
            transform=axes.transAxes,  # shares ascend, so the upper left is free
            va="top",
            color=BAD if bad else GOOD,
        )
    axes.set_title(f"The plan, approved an hour after each gate: {ended}")
    axes.set_xlabel(f"days, at {picture.scenario.per_day:,.0f} requests a day (dotted: as planned)")
    axes.set_ylabel("candidate's share")


def _lines(picture: Picture) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Name, colour and line of each rule that ever speaks, the judge last and on top."""
    others = iter(OTHERS)
    for name, first in picture.fired.items():
        colour = COLOURS.get(name) or (next(others) if name != "judge" else JUDGE)
        silent = (first == NEVER).all() and not picture.sweep.taken_back[name].any()
        if name != "judge" and not silent:
            style = {"linewidth": 1.4} if name in COLOURS else {"linewidth": 1.4, "linestyle": "--"}
            yield name, colour, style
    yield "judge", JUDGE, {"linewidth": 3.2}


def _turned(scenario: Scenario) -> int:
    """The candidate requests before it goes bad."""
    return 0 if scenario.becomes is None else scenario.after


def _label(axes: Axes, x: float, y: float, text: str, colour: str, up: float = 0) -> None:
    """Beside the right end of a line, `up` points higher."""
    axes.annotate(
        text,
        (x, y),
        xytext=(4, up),
        textcoords="offset points",
        va="center",
        color=colour,
        fontsize=8,
        annotation_clip=False,
    )
