"""Numbers as they stand on receipts, invoices and forms: counts, amounts, dates, times, codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_CURRENCIES = ("￥", "¥", "$", "RM", "€")
_CODE = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def number(rng: np.random.Generator) -> str:
    """One of the forms below, each as likely as the others."""
    return _FORMS[rng.integers(len(_FORMS))](rng)


def _count(rng: np.random.Generator) -> int:
    """Of one to five digits, each length as likely."""
    return int(rng.integers(0, 10 ** int(rng.integers(1, 6))))


def _amount(rng: np.random.Generator) -> str:
    return f"{_count(rng) / 100:,.2f}"


def _price(rng: np.random.Generator) -> str:
    return _CURRENCIES[rng.integers(len(_CURRENCIES))] + f"{_count(rng) / 100:.2f}"


def _date(rng: np.random.Generator) -> tuple[int, int, int]:
    return int(rng.integers(1950, 2035)), int(rng.integers(1, 13)), int(rng.integers(1, 32))


def _iso_date(rng: np.random.Generator) -> str:
    year, month, day = _date(rng)
    mark = "-/."[rng.integers(3)]
    return f"{year}{mark}{month:02d}{mark}{day:02d}"


def _western_date(rng: np.random.Generator) -> str:
    year, month, day = _date(rng)
    return f"{day:02d}/{month:02d}/{year if rng.random() < 0.6 else f'{year % 100:02d}'}"


def _chinese_date(rng: np.random.Generator) -> str:
    year, month, day = _date(rng)
    return f"{year}年{month}月{day}日"


def _time(rng: np.random.Generator) -> str:
    seconds = f":{rng.integers(60):02d}" if rng.random() < 0.5 else ""
    return f"{rng.integers(24):02d}:{rng.integers(60):02d}{seconds}"


def _percentage(rng: np.random.Generator) -> str:
    return f"{_count(rng) % 1000 / 10:g}%"


def _code(rng: np.random.Generator) -> str:
    return "".join(_CODE[i] for i in rng.integers(len(_CODE), size=int(rng.integers(3, 12))))


def _digits(rng: np.random.Generator) -> str:
    return "".join(map(str, rng.integers(10, size=int(rng.integers(6, 16)))))


def _telephone(rng: np.random.Generator) -> str:
    return f"{rng.integers(10, 1000)}-{rng.integers(1000, 10**8)}"


_FORMS: tuple[Callable[[np.random.Generator], str], ...] = (
    lambda rng: str(_count(rng)),
    _amount,
    _price,
    _iso_date,
    _western_date,
    _chinese_date,
    _time,
    _percentage,
    _code,
    _digits,
    _telephone,
)
