"""The drawings of a report, each as SVG for a page. Needs matplotlib, as `drawing` does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from ocr_rollout.core.calibration import Calibration
from ocr_rollout.core.counts import EDGES_MS, quantile_ms
from ocr_rollout.core.intervals import Estimate, wilson
from ocr_rollout.core.verdict import NO_LIMIT

from .course import Point, shares
from .drawing import (
    CANDIDATE,
    DARK,
    GOOD,
    HEIGHT_IN,
    INK,
    LIMIT,
    PERCENT,
    STABLE,
    THOUSANDS,
    across,
    at_right,
    few_steps,
    svg,
    times,
)
from .evidence import Evidence
from .people import LEAST_OF_BIN
from .words import Words, percent

MOST_KINDS: Final = 12
LEAST_E, MOST_E = 1e-3, 1e4  # where the scale of evidence ends
_ROLES: Final = (("stable", STABLE, "-", "o"), ("candidate", CANDIDATE, "--", "D"))
Draw = Callable[[Axes, Evidence, Words], None]


def drawings(found: Evidence, say: Words) -> dict[str, str]:
    """Name -> SVG. What nothing is known of is left out."""
    plots: dict[str, tuple[Draw, bool]] = {
        "errors": (_errors, any(found.curves.arms[role]["start_s"] for role, *_ in _ROLES)),
        "weighed": (_weighed, bool(found.weighed.at_s)),
        "latency": (_latency, all(arm.p95_ms is not None for arm in found.facts.arms[:2])),
        "agreement": (_agreement, bool(_agreed(found))),
        "kinds": (_kinds, bool(_kinds_of(found))),
        "reliability": (_reliability, bool(_calibrations(found))),
        "power": (_power, found.power is not None),
    }
    return {name: _drawn(name, draw, found, say) for name, (draw, known) in plots.items() if known}


def _drawn(name: str, draw: Draw, found: Evidence, say: Words) -> str:
    heights = {"kinds": 0.9 + 0.42 * len(_kinds_of(found)), "reliability": 3.2}

    def on(axes: Axes) -> None:
        draw(axes, found, say)

    return svg(name, on, heights.get(name, HEIGHT_IN))


def _errors(axes: Axes, found: Evidence, say: Words) -> None:
    limit = found.facts.plan.limits.errors
    most = limit if limit < NO_LIMIT else 0.0
    for role, colour, style, marker in _ROLES:
        curve = shares(found.curves.arms[role], "errors", "requests")
        if not curve:
            continue
        most = max(most, *(point.share for point in curve))
        axes.plot(
            [point.at_s for point in curve],
            [point.share for point in curve],
            color=colour,
            linestyle=style,
            marker=marker if len(curve) < 40 else None,
            markersize=3,
            label=say(f"line.{role}"),
        )
    if limit < NO_LIMIT:
        across(axes, limit, say("line.limit", limit=percent(limit)))
    for entry in found.curves.marks:
        axes.axvline(entry.at_s, color=INK, linestyle=":", linewidth=0.8)
    axes.set_ylim(0, 1.18 * max(most, 0.005))
    axes.yaxis.set_major_formatter(PERCENT)
    times(axes, say)
    axes.legend(loc="upper left", ncols=2)


def _weighed(axes: Axes, found: Evidence, say: Words) -> None:
    course, limits = found.weighed, found.facts.plan.limits
    lines = (
        (course.against, CANDIDATE, "--", say("line.against"), 1 / limits.alpha),
        (course.proof, GOOD, "-", say("line.proof"), 20.0),
    )
    for values, colour, style, name, needed in lines:
        shown = np.exp(np.clip(values, math.log(LEAST_E), math.log(MOST_E)))
        axes.plot(
            course.at_s,
            shown,
            color=colour,
            linestyle=style,
            label=name,
            marker="." if len(shown) < 40 else None,
        )
        axes.axhline(needed, color=colour, linestyle=":", linewidth=1)
        at_right(axes, needed, f"{needed:g}", colour)
    axes.set_yscale("log")
    axes.set_ylim(LEAST_E / 1.5, MOST_E * 1.5)
    axes.yaxis.set_major_formatter(THOUSANDS)
    times(axes, say)
    axes.legend(loc="lower left")


def _latency(axes: Axes, found: Evidence, say: Words) -> None:
    evidence = found.facts.evidence
    edges = np.array([EDGES_MS[0] / 2, *EDGES_MS])
    seen = np.zeros(len(EDGES_MS), dtype=np.bool_)
    for (role, colour, style, _), series in zip(
        _ROLES, (evidence.stable, evidence.candidate), strict=True
    ):
        latencies = series.total.latencies
        counts = np.array(latencies[: len(EDGES_MS)], dtype=np.float64)
        counts[-1] += latencies[-1]  # what is slower than the last edge
        seen |= counts > 0
        axes.stairs(
            counts / counts.sum(), edges, color=colour, linestyle=style, label=say(f"line.{role}")
        )
        p95_ms = min(quantile_ms(latencies, 0.95) or math.inf, EDGES_MS[-1])
        axes.axvline(p95_ms, color=colour, linestyle=style, linewidth=0.9)
    used = np.flatnonzero(seen)
    axes.set_xscale("log")
    axes.set_xlim(edges[max(0, used[0] - 1)], edges[min(len(edges) - 1, used[-1] + 2)])
    axes.xaxis.set_major_locator(few_steps(*axes.get_xlim()))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(THOUSANDS)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(say("axis.ms"))
    axes.legend(loc="upper right")


def _agreed(found: Evidence) -> Sequence[Point]:
    return shares(found.curves.agreement, "equal", "both_fine")


def _agreement(axes: Axes, found: Evidence, say: Words) -> None:
    curve = _agreed(found)
    axes.plot(
        [point.at_s for point in curve],
        [point.share for point in curve],
        color=DARK,
        marker="o" if len(curve) < 40 else None,
        markersize=3,
        label=say("line.same"),
    )
    for entry in found.curves.marks:
        axes.axvline(entry.at_s, color=INK, linestyle=":", linewidth=0.8)
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(PERCENT)
    times(axes, say)


Pair = tuple[str, Estimate | None, Estimate | None]


def _kinds_of(found: Evidence) -> list[Pair]:
    """(kind, stable, candidate): lines right; of the A/B test where there is one."""
    if found.ab is not None:
        rows: list[Pair] = [
            (group.name, group.lines.get("stable"), group.lines.get("candidate"))
            for group in sorted(found.ab.kinds, key=lambda group: -group.n)
        ]
    else:
        rows = [
            (name, kind.stable.lines, kind.candidate.lines)
            for name, kind in found.facts.reviews.kinds.items()
        ]
    return [row for row in rows if row[1] or row[2]][:MOST_KINDS]


def _kinds(axes: Axes, found: Evidence, say: Words) -> None:
    """A row for each kind, its name above its two intervals."""
    rows = _kinds_of(found)
    lows = [one.low for _, *both in rows for one in both if one is not None]
    for row, (name, *both) in enumerate(rows):
        top = len(rows) - row
        axes.text(
            0.01, top + 0.32, say.kind(name)[:40], transform=axes.get_yaxis_transform(), va="center"
        )
        for (role, colour, _, marker), one, y in zip(_ROLES, both, (top, top - 0.28), strict=True):
            if one is None:
                continue
            axes.plot([one.low, one.high], [y, y], color=colour, linewidth=1.2)
            label = say(f"line.{role}") if not row else None
            axes.plot(
                one.value,
                y,
                marker,
                color=colour,
                markersize=4,
                linestyle="",
                label=label,
                clip_on=False,
            )
    axes.set_ylim(0.4, len(rows) + 0.6)
    axes.set_xlim(max(0.0, min(lows) - 0.05), 1.0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PERCENT)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)


def _calibrations(found: Evidence) -> dict[str, Calibration]:
    """By role; of arms with a bin that is large enough."""
    calibrated = found.calibration if found.ab is None else found.ab.calibration
    return {
        role: one
        for role, one in calibrated.items()
        if any(part.n >= LEAST_OF_BIN for part in one.bins)
    }


def _reliability(axes: Axes, found: Evidence, say: Words) -> None:
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
    for role, colour, style, marker in _ROLES:
        if role not in _calibrations(found):
            continue
        one = _calibrations(found)[role]
        bins = [part for part in one.bins if part.n >= LEAST_OF_BIN]
        around = [wilson(round(part.right * part.n), part.n) for part in bins]
        sure = [part.confidence for part in bins]
        right = [part.right for part in bins]
        spread = [(e.low, e.high) for e in around if e is not None]
        axes.vlines(sure, *zip(*spread, strict=True), color=colour, linewidth=0.8, alpha=0.7)
        axes.plot(
            sure,
            right,
            color=colour,
            linestyle=style,
            marker=marker,
            markersize=3.5,
            label=say(f"line.{role}"),
        )
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel=say("axis.confidence"))
    axes.set_ylabel(say("axis.right"))
    axes.xaxis.set_major_formatter(PERCENT)
    axes.yaxis.set_major_formatter(PERCENT)
    axes.legend(loc="upper left")


def _power(axes: Axes, found: Evidence, say: Words) -> None:
    power, limit = found.power, found.facts.plan.limits.errors
    if power is None:
        return
    axes.plot(power.rates, power.taken_back, color=CANDIDATE, marker="o", markersize=3)
    axes.axvline(limit, color=LIMIT, linestyle="--", linewidth=1)
    axes.text(limit, 1.06, say("line.limit", limit=percent(limit)), color=LIMIT, ha="center")
    if power.surely is not None:
        axes.axhline(0.95, color=INK, linestyle=":", linewidth=0.8)
        axes.plot(power.surely, 0.95, "s", color=INK, markersize=5)
        said = say("line.surely", rate=percent(power.surely))
        left = power.surely > 0.3
        axes.annotate(
            said,
            (power.surely, 0.95),
            xytext=(-6 if left else 6, -10),
            textcoords="offset points",
            ha="right" if left else "left",
            color=INK,
        )
    axes.set_xscale("log")
    axes.set_xlim(power.rates[0], 1)
    axes.set_ylim(-0.02, 1.03)
    axes.xaxis.set_major_locator(few_steps(power.rates[0], 1))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:g} %"))
    axes.yaxis.set_major_formatter(PERCENT)
    axes.set_xlabel(say("axis.rate"))
