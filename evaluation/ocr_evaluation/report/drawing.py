"""How a report draws: sizes, colours, SVG that can stand in a page, and the ticks of its axes.

Texts stay texts (`svg.fonttype: none`), so the reader's browser draws them in its own fonts: Chinese
is legible wherever the report is read, and no font has to be installed where it is made. Names that
may be long or of any script (kinds of image) are to stand inside the axes, so that nothing depends
on how wide matplotlib thinks they are.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from ocr_client.operations.words import zone

from .words import Words

# Of the web pages.
STABLE, CANDIDATE, LIMIT, INK, DARK, GOOD = (
    *("#1d63a8", "#a84600", "#b3261e"),
    *("#545d67", "#191d21", "#176b32"),
)
WIDTH_IN, HEIGHT_IN, FONT_PT = 4.4, 2.6, 8
_STYLE: Final[Mapping[Any, Any]] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names are never formulas
    "font.size": FONT_PT,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.25,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": FONT_PT,
}
PERCENT: Final = FuncFormatter(lambda value, _: f"{value * 100:.3g} %")
THOUSANDS: Final = FuncFormatter(lambda value, _: f"{value:,g}")
# Seconds between two ticks of time.
_STEPS_S: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400)
_MOST_TICKS: Final = 5
_DAY_S: Final = 86_400


def svg(name: str, draw: Callable[[Axes], None], height_in: float) -> str:
    """To stand in a page. name: of the drawing, one of its kind in the page."""
    buffer = io.StringIO()
    # Its own fonts lack most scripts: it only measures with them, the browser draws.
    with warnings.catch_warnings(), mpl.rc_context({**_STYLE, "svg.hashsalt": name}):
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure = Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        draw(figure.subplots())
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return inlined(buffer.getvalue(), name)


def inlined(drawn: str, name: str) -> str:
    """Without head, style sheet and size, and with ids of its own."""
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", drawn, flags=re.DOTALL)
    head, rest = drawn.split(">", 1)
    drawn = re.sub(r' (?:width|height)="[^"]*"', "", head) + ">" + rest
    drawn = re.sub(r'\bid="', f'id="{name}-', drawn)
    return re.sub(r'(url\(#|href="#)', rf"\1{name}-", drawn).strip()


def times(axes: Axes, say: Words) -> None:
    """Ticks of Unix times, in this machine's time."""
    axes.margins(x=0.02)
    low, high = axes.get_xlim()
    steps = (*_STEPS_S, *(k * _DAY_S for k in (2, 5, 10, 30)))
    step = next((s for s in steps if (high - low) / s <= _MOST_TICKS), 100 * _DAY_S)
    offset = dt.datetime.fromtimestamp(low).astimezone().utcoffset() or dt.timedelta()
    shift = offset.total_seconds() % step
    first = math.ceil((low + shift) / step) * step - shift
    places = [first + k * step for k in range(int((high - first) // step) + 1)]
    pattern = "%m-%d" if step >= _DAY_S else "%H:%M" if step >= 60 else "%H:%M:%S"
    if pattern == "%H:%M" and high - low > _DAY_S:
        pattern = "%d. %H:%M"

    def shown(at_s: float, _: object) -> str:
        return dt.datetime.fromtimestamp(at_s).astimezone().strftime(pattern)

    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.xaxis.set_major_formatter(FuncFormatter(shown))
    axes.set_xlabel(say("axis.time", zone=zone()))


def few_steps(low: float, high: float) -> FixedLocator:
    """On a logarithmic axis 1, 2, 5 of each decade, or 1 alone where those are many."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    chosen = (1, 2, 5) if math.log10(high / low) < 2.2 else (1,)
    found = [step * 10.0**decade for decade in decades for step in chosen]
    return FixedLocator([value for value in found if low <= value <= high])


def across(axes: Axes, y: float, said: str) -> None:
    """A limit."""
    axes.axhline(y, color=LIMIT, linestyle="--", linewidth=1)
    at_right(axes, y, said, LIMIT)


def at_right(axes: Axes, y: float, said: str, colour: str) -> None:
    """Above a line, at the right end of the axes."""
    axes.annotate(
        said,
        (1, y),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=colour,
    )
