"""Texts of forms, packages and shop fronts: labels in two languages, measures, addresses, signs.

Functions of a generator and of words already drawn, so that they hold no word list themselves.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ocr_training.numerals import number

Draw = Callable[[], str]  # a Chinese word, or an English one in lower case

_SHORT = ("NO.", "No.", "ID", "&", "DATE", "TYPE", "NAME", "CODE")
_ENDS = ("com", "com", "cn", "net", "org", "com.cn", "co.uk")
_BULLETS = "★●◆■▲→·☆○"
_MEASURES = (
    "℃",
    "°C",
    "°",
    "%",
    "g",
    "kg",
    "mg",
    "ml",
    "mL",
    "L",
    "cm",
    "mm",
    "kJ",
    "W",
    "V",
    "Hz",
)
_BETWEEN = ("-", "~", "--", "至", "/", "×")


def bilingual(chinese: Draw, english: Draw, rng: np.random.Generator) -> str:
    """A label of a form and its translation, mostly in brackets and capitals."""
    label = _label(chinese, rng)
    words = [english() for _ in range(rng.integers(1, 4))]
    if rng.random() < 0.3:
        words[-1] = _SHORT[rng.integers(len(_SHORT))]
    text = " ".join(words)
    roll = rng.random()
    text = text.upper() if roll < 0.75 else text.title() if roll < 0.9 else text
    shape = rng.random()
    colon = (":", "：", "", "")[rng.integers(4)]
    if shape < 0.55:
        return f"{label}({text}){colon}"
    if shape < 0.7:
        return f"{label}（{text}）{colon}"
    return f"{label} {text}{colon}" if shape < 0.9 else f"{label}{text}"


def labelled(chinese: Draw, rng: np.random.Generator) -> str:
    """A label, a colon, a value."""
    colon = ("：", ":", ": ", "： ")[rng.integers(4)]
    return _label(chinese, rng) + colon + (chinese() if rng.random() < 0.4 else number(rng))


def measure(chinese: Draw, rng: np.random.Generator) -> str:
    """A quantity or a range of one, with its unit, alone or after a word."""
    unit = _MEASURES[rng.integers(len(_MEASURES))]
    low = f"{rng.integers(0, 500) / (1, 1, 10)[rng.integers(3)]:g}"
    sign = "-" if rng.random() < 0.12 else ""
    text = f"{sign}{low}{unit}"
    if rng.random() < 0.3:
        text = f"{sign}{low}{_BETWEEN[rng.integers(len(_BETWEEN))]}{rng.integers(1, 900)}{unit}"
    roll = rng.random()
    if roll < 0.35:
        return chinese() + text
    return text + chinese() if roll < 0.5 else text


def enumeration(chinese: Draw, rng: np.random.Generator) -> str:
    """Items as of a list of ingredients, cut anywhere, so it may begin or end with a mark."""
    mark = "，" if rng.random() < 0.7 else "、"
    items = [
        chinese() + (chinese() if rng.random() < 0.4 else "") for _ in range(rng.integers(2, 7))
    ]
    for i in range(len(items)):
        if rng.random() < 0.1:
            items[i] = f"（{items[i]}）"
    text = mark.join(items)
    roll = rng.random()
    if roll < 0.3:
        text += mark if rng.random() < 0.5 else "。"
    elif roll < 0.4:
        text += "）"
    return text


def web(english: Draw, rng: np.random.Generator) -> str:
    """A web or mail address."""
    end = _ENDS[rng.integers(len(_ENDS))]
    name = english() + (english() if rng.random() < 0.4 else "")
    if rng.random() < 0.25:
        return f"{english()}{rng.integers(0, 100)}@{name}.{end}"
    return ("www." if rng.random() < 0.8 else "") + f"{name}.{end}"


def notice(english: Draw, rng: np.random.Generator) -> str:
    """One to four English words, in capitals more often than not, as signs have them."""
    words = [english() for _ in range((1, 1, 1, 2, 2, 3, 4)[rng.integers(7)])]
    roll = rng.random()
    if roll < 0.5:
        return " ".join(words).upper()
    if roll < 0.8:
        return " ".join(word[:1].upper() + word[1:] for word in words)
    if roll < 0.9:
        words[0] = words[0][:1].upper() + words[0][1:]
    return " ".join(words) + (".,:!"[rng.integers(4)] if rng.random() < 0.2 else "")


def shop(chinese: Draw, rng: np.random.Generator) -> str:
    """What stands over a shop: a name, now and then with a bullet, a number or a telephone."""
    name = "".join(chinese() for _ in range(rng.integers(1, 4)))
    roll = rng.random()
    if roll < 0.12:
        return f"{name}{_BULLETS[rng.integers(len(_BULLETS))]}{chinese()}"
    if roll < 0.22:
        return f"{name}{rng.integers(1, 400)}号"
    if roll < 0.3:
        return f"{name} {number(rng)}"
    return name


def _label(chinese: Draw, rng: np.random.Generator) -> str:
    return chinese() + (chinese() if rng.random() < 0.5 else "")
