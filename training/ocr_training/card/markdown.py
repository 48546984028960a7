"""The card's figures as Markdown tables, set between two markers of a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

BEGIN = "<!-- card: written by `ocrctl train card`; edit nothing between these two lines -->"
END = "<!-- card: end -->"
SECOND = "Second scoring (case-folded, traditional to simplified, punctuation dropped), 1-CER."
LEAST_COMPARED = 10
HONEST = "1-CER of others on both; the goal is that Tesseract's differ by at most 0.10."
# Issue 3: of 1-CER; in brackets the floor under which it is not resolved.
REAL_GOALS = {
    "print/zh": "0.975 (0.94)",
    "scan/zh": "0.985 (0.97)",
    "photo/zh": "0.96 (0.90)",
    "sign/zh": "0.92 (0.78)",
    "print/en": "0.985 (0.96)",
    "receipt/en": "0.96 (0.90)",
    "photo/en": "0.96 (0.91)",
    "sign/en": "0.90 (0.78)",
}
MADE_GOALS = {
    "print": "0.995",
    "scan": "0.98",
    "photo": "0.97",
    "sign": "0.96",
    "handwriting": "0.93",
}


def replace_block(path: Path, block: str, begin: str = BEGIN, end: str = END) -> None:
    """Raises ValueError when the document has not both markers."""
    text = path.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"{path}: needs the lines {begin!r} and {end!r}, once each")
    before, rest = text.split(begin)
    _, after = rest.split(end)
    path.write_text(f"{before}{begin}\n\n{block}\n{end}{after}", encoding="utf-8")


def render(document: Mapping[str, Any]) -> str:
    """document: what `card` prints as JSON."""
    versions, engines = document["versions"], document["engines"]
    parts = ["## Versions measured", _table(*_versions(versions))]
    if engines and {"real", "made"} <= document["titles"].keys():
        parts += ["## Are the made lines as hard as real ones?", HONEST]
        parts += [_table(*_honesty(engines))]
    for name, title in document["titles"].items():
        columns = [(v["version"], v["sets"][name]) for v in versions if name in v["sets"]]
        columns += [(e["engine"], e["sets"][name]) for e in engines if name in e["sets"]]
        parts += [f"## {title}"]
        parts += [
            "1-CER, with 95 % intervals for ours.",
            _table(*_groups(name, columns, len(versions))),
        ]
        parts += ["Share of lines read whole.", _table(*_lines(columns))]
        if name == "stress":
            continue
        parts += [
            SECOND,
            _table(*_second(columns)),
            "1-CER by slice.",
            _table(*_slices(columns)),
        ]
        for label, found in columns[: len(versions)] if name != "made" else []:
            parts += [f"### {label}: how sure, and how right", *_sure(found["calibration"])]
            parts += [f"### {label}: most frequent confusions", _confused(found["confusions"])]
    return "\n\n".join(parts) + "\n"


def _honesty(engines: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """1-CER of others on real and on made lines of a kind, with at least 10 lines of each."""
    read = [e for e in engines if {"real", "made"} <= e["sets"].keys()]
    head = ["", "n real", "n made"]
    rows: list[list[str]] = []
    for engine in read:
        head += [f"{engine['engine']}: real", "made", "made - real"]
    if not read:
        return head, rows
    real, made = (read[0]["sets"][name]["groups"] for name in ("real", "made"))
    for group in real:
        counts = [found[group]["strict"]["n"] for found in (real, made) if group in found]
        if group == "all" or len(counts) < 2 or min(counts) < LEAST_COMPARED:
            continue
        row = [group, *map(str, counts)]
        for engine in read:
            there, here = (
                engine["sets"][name]["groups"][group]["strict"]["one_minus_cer"]
                for name in ("real", "made")
            )
            row += [_rate(there), _rate(here), f"{here - there:+.3f}"]
        rows.append(row)
    return head, rows


def _versions(versions: Iterable[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    head = ["version", "size", "320-px line, one thread, CPU time", "SHA-256 of model.onnx"]
    return head, [
        [
            v["version"],
            f"{v['bytes'] / 1e6:.1f} MB",
            f"{v['ms_320_px_one_thread']:.1f} ms",
            f"`{v['sha256']}`",
        ]
        for v in versions
    ]


Columns = list[tuple[str, Mapping[str, Any]]]


def _shown(columns: Columns) -> list[str]:
    """Groups of enough lines to say something; the JSON has them all."""
    groups = columns[0][1]["groups"]
    return [group for group in groups if groups[group]["strict"]["n"] >= LEAST_COMPARED]


def _groups(name: str, columns: Columns, ours: int) -> tuple[list[str], list[list[str]]]:
    goals = {"real": REAL_GOALS, "made": MADE_GOALS}.get(name, {})
    rows = []
    for group in _shown(columns):
        row = [group, str(columns[0][1]["groups"][group]["strict"]["n"])]
        for place, (_, found) in enumerate(columns):
            figure = found["groups"][group]["strict"]
            row.append(
                _rate(figure["one_minus_cer"], figure["cer_interval"] if place < ours else None)
            )
        if goals:
            row.append(goals.get(group, ""))
        rows.append(row)
    return ["", "n", *(label for label, _ in columns), *(["goal (floor)"] if goals else [])], rows


def _lines(columns: Columns) -> tuple[list[str], list[list[str]]]:
    return _head(columns), [
        [group, *(_rate(found["groups"][group]["strict"]["line"]) for _, found in columns)]
        for group in _shown(columns)
    ]


def _second(columns: Columns) -> tuple[list[str], list[list[str]]]:
    return _head(columns), [
        [group, *(_rate(f["groups"][group]["lenient"]["one_minus_cer"]) for _, f in columns)]
        for group in _shown(columns)
    ]


def _slices(columns: Columns) -> tuple[list[str], list[list[str]]]:
    return ["", "n", *(label for label, _ in columns)], [
        [
            name,
            str(figure["n"]),
            *(_rate(found["slices"][name]["one_minus_cer"]) for _, found in columns),
        ]
        for name, figure in columns[0][1]["slices"].items()
    ]


def _sure(found: Mapping[str, Any]) -> list[str]:
    auroc = "not defined" if found["auroc"] is None else f"{found['auroc']:.3f}"
    words = (
        f"Expected calibration error {found['error']:.3f}; a line read whole has the higher"
        f" confidence in {auroc} of pairs (AUROC), n = {found['n']}."
    )
    rows = [
        [
            f"{part['low']:g} to {part['high']:g}",
            str(part["n"]),
            f"{part['confidence']:.3f}",
            f"{part['right']:.3f}",
        ]
        for part in found["bins"]
    ]
    return [words, _table(["confidence", "lines", "mean confidence", "read whole"], rows)]


def _confused(found: Iterable[tuple[str, str, int]]) -> str:
    """True → read and how often; ∅ for nothing."""
    words = [f"{_code(true)} → {_code(read)} {count}" for true, read, count in found]
    return " · ".join(words) or "None."


def _code(character: str) -> str:
    return "`` ` ``" if character == "`" else f"`{character or '∅'}`"


def _head(columns: Columns) -> list[str]:
    return ["", *(label for label, _ in columns)]


def _rate(value: float, interval: Mapping[str, float] | None = None) -> str:
    if interval is None:
        return f"{value:.3f}"
    return f"{value:.3f} ({interval['low']:.3f}..{interval['high']:.3f})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
