"""A value as it was read -> as programs want it: an ISO date, an amount with a point."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Final

from .rules import Kind

_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def value_of(text: str, kind: Kind) -> str | None:
    """None where it is none of this kind."""
    text = unicodedata.normalize("NFKC", text).strip()
    if kind == "date":
        return _date(text)
    if kind == "amount":
        return _amount(text)
    if kind == "number":
        return re.sub(r"\s", "", text) or None
    return " ".join(text.split()).strip(" :;,，：；") or None


def _amount(text: str) -> str | None:
    digits = re.sub(r"\D", "", text.replace("O", "0").replace("o", "0"))
    if len(digits) < 3:
        return None
    return f"{int(digits[:-2])}.{digits[-2:]}"


def _date(text: str) -> str | None:
    """Day, month, year where the year comes last, as in most countries that write it so."""
    parts = re.findall(r"\d+|[^\W\d_]+", re.sub("[年月日]", " ", text))
    if len(parts) != 3:
        return None
    if parts[0].isalpha():  # Mar 5, 2020
        parts[:2] = parts[1], parts[0]
    if parts[1].isalpha():
        month = parts[1][:3].lower()
        if month not in _MONTHS:
            return None
        parts[1] = str(_MONTHS.index(month) + 1)
    if not all(map(str.isdecimal, parts)):
        return None
    one, two, three = map(int, parts)
    year, month_, day = (one, two, three) if len(parts[0]) == 4 else (three, two, one)
    year += 2000 if year < 100 else 0
    if month_ > 12 >= day:  # the American way
        month_, day = day, month_
    try:
        return dt.date(year, month_, day).isoformat()
    except ValueError:
        return None
