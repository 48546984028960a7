"""What a person may write into an order, and which dates are one."""

import datetime as dt

import pytest

from ocr_client.operations.refused import LONGEST, LONGEST_NAME, one_line, person
from ocr_client.operations.reviewing import parsed_date


@pytest.mark.parametrize("text", ["", "200 read", "看过 200 张", "全角\u3000空格", "é ½ 👍", "<b>"])
def test_any_line_is_a_note(text):
    """Full-width spaces, too: Chinese keyboards write them."""
    assert one_line(text) == text


@pytest.mark.parametrize(
    "strange",
    [
        "\n",
        "\0",
        "\x1b",  # begins what terminals obey
        "\x85",
        "\u2028",  # a line break to some
        "\u200b",  # nothing to be seen: two names that look the same
        "\u202e",  # turns round what follows
        "\ufeff",
        "\ud800",  # half a character
    ],
)
def test_what_breaks_hides_or_turns_a_line_is_refused(strange):
    for check in (one_line, person):
        with pytest.raises(ValueError, match=r"(one|a name on one) line"):
            check(f"ann{strange}bo")


def test_lengths_and_the_names_of_programs():
    assert one_line("x" * LONGEST)
    assert person("x" * LONGEST_NAME)
    for check, text in ((one_line, "x" * 1_001), (person, "x" * 81), (person, " judge\u3000")):
        with pytest.raises(ValueError, match=r"line of at most|at most 80|calls itself"):
            check(text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-05-04T18:00:00+08:00", dt.datetime(2026, 5, 4, 10, tzinfo=dt.timezone.utc)),
        ("2026-05-04T10:00:00Z", dt.datetime(2026, 5, 4, 10, tzinfo=dt.timezone.utc)),
        ("2026-05-04", dt.datetime(2026, 5, 4).astimezone()),
    ],
)
def test_dates_as_json_writes_them(text, at):
    assert parsed_date(text) == at.timestamp()
