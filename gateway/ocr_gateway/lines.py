"""Lines that people write in requests: parsed in words, and described in `/openapi.json` exactly.

The patterns are for the schema alone. What is refused is refused by `ocr_client`'s own checks,
whose sentences say more than a pattern.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

from ocr_client.operations.refused import HIDDEN, LONGEST, LONGEST_NAME, RESERVED, one_line, person

LINE: Final = f"^[^{HIDDEN}]*$"
FILLED: Final = rf"^[^{HIDDEN}]*[^\s{HIDDEN}][^{HIDDEN}]*$"
# A recognised text may hold whatever a model read, except what would not stand on its line.
TEXT: Final = r"^[^\x00-\x1f\x7f-\x9f]*$"
_RESERVED: Final = rf"^\s*({'|'.join(sorted(RESERVED))})\s*$"
_MOST: Final = 2**53  # what JavaScript counts to


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("who does it? Give a name")
    return person(text)


def _reason(text: str) -> str:
    if not text.strip():
        raise ValueError("why? Give a reason")
    return one_line(text)


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def described(pattern: str, **more: Any) -> Any:
    """Of a text, for the schema alone."""
    return Field(json_schema_extra={"pattern": pattern, **more})


Name = Annotated[
    str,
    AfterValidator(_name),
    Field(min_length=1, max_length=LONGEST_NAME, examples=["Li Wei"]),
    described(FILLED, **{"not": {"pattern": _RESERVED}}),
]
Line = Annotated[str, AfterValidator(one_line), Field(max_length=LONGEST), described(LINE)]
Reason = Annotated[
    str, AfterValidator(_reason), Field(min_length=1, max_length=LONGEST), described(FILLED)
]
# With `Field(strict=True)` before it: 4.0 is the whole number 4 to JSON; a text and true are none.
WHOLE: Final = BeforeValidator(_whole)
Count = Annotated[int, Field(strict=True, ge=0, le=_MOST), WHOLE]
