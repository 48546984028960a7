"""Made receipts and invoices: their fields stand where the truth says, and are counted rightly."""

import collections

import numpy as np
import pytest
from benchmarks.page_fields import Tally, add, by_rules, main
from benchmarks.slips import KINDS, SlipMaker
from benchmarks.slips.words import CHINESE, ENGLISH, strange

from ocr_client.pages.fields import shipped
from ocr_client.pages.fields.values import value_of
from ocr_client.structure import Field
from ocr_training.pages import SURROUNDINGS


@pytest.fixture(scope="module")
def maker(fonts_folder):
    return SlipMaker(fonts_folder, held_out=False)


def box(quad):
    (left, top), (right, bottom) = np.min(quad, axis=0), np.max(quad, axis=0)
    return float(left), float(top), float(right), float(bottom)


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_stands_in_a_line_that_says_it(kind, maker):
    """And its value is what programs want of the text that was printed there."""
    kinds = {rule.name: rule.kind for rule in shipped().rules}
    for index in range(4):
        slip = maker.make(7, index, kind, "clean")
        names = [field.name for field in slip.fields]
        assert {"date", "number", "seller", "total"} <= set(names)
        assert len(names) == len(set(names))
        for field in slip.fields:
            left, top, right, bottom = box(field.line.quad)
            around = [
                line for line in slip.lines
                if field.line.text in line.text
                and box(line.quad)[0] <= left and box(line.quad)[1] <= top
                and box(line.quad)[2] >= right and box(line.quad)[3] >= bottom
            ]  # fmt: skip
            assert len(around) == 1
            ink = slip.image[int(top) : int(bottom), int(left) : int(right)]
            assert int(ink.min()) + 80 < np.median(slip.image)
            if kinds[field.name] in ("amount", "number"):
                assert value_of(field.line.text.lstrip("￥¥€£$RM "), kinds[field.name]) in (
                    field.value,
                    field.value.removeprefix("R"),
                )


@pytest.mark.parametrize("kind", KINDS)
def test_all_surroundings_show_the_same_slip(kind, maker):
    slips = [maker.make(7, 0, kind, around) for around in SURROUNDINGS]
    assert len({tuple(line.text for line in slip.lines) for slip in slips}) == 1
    assert len({tuple((f.name, f.value) for f in slip.fields) for slip in slips}) == 1
    again = maker.make(7, 0, kind, "photo")
    assert np.array_equal(again.image, maker.make(7, 0, kind, "photo").image)
    places = [box(field.line.quad) for field in again.fields]
    assert all(place[2] <= again.image.shape[1] for place in places)


def test_totals_are_what_items_and_tax_add_up_to(maker):
    slip = maker.make(7, 1, "invoice, zh", "clean")
    value = {
        field.name: float(field.value) for field in slip.fields if field.name in ("tax", "total")
    }
    texts = [line.text for line in slip.lines]
    sums = texts[texts.index("合计") + 1] if "合计" in texts else texts[texts.index("合 计") + 1]
    assert value["total"] == pytest.approx(float(sums.lstrip("￥¥")) + value["tax"])


def test_right_misplaced_wrong_missing_and_false_fields_are_counted(maker):
    slip = maker.make(7, 0, "invoice, en", "clean")
    true = {field.name: field for field in slip.fields}
    assert set(true) == {"date", "number", "seller", "total", "tax", "tax_id"}

    def said(name, value=None, place=None):
        field = true[name]
        return Field(name, value or field.value, "", place or box(field.line.quad), (0,))

    tallies = collections.defaultdict(Tally)
    found = [
        said("date"), said("number", "0"), said("total", place=(0, 0, 1, 1)),
        Field("phone", "1", "", (0, 0, 1, 1), (0,)),
    ]  # fmt: skip
    wrong = add(tallies, slip, found)
    assert tallies["date"] == Tally(n=1, value=1, place=1, said=1)
    assert tallies["number"] == Tally(n=1, value=0, place=1, said=1)
    assert tallies["total"] == Tally(n=1, value=1, place=0, said=1)
    assert tallies["seller"] == Tally(n=1)
    assert tallies["phone"] == Tally(false=1)
    assert len(wrong) == 5  # number, seller, tax, tax_id and phone


def test_labels_said_to_be_unknown_are_unknown_to_the_rules():
    """None of them is, to a letter, a label of the field's rules."""
    labels = collections.defaultdict(set)
    for rule in shipped().rules:
        labels[rule.name] |= {label.text.casefold() for label in rule.labels}
    for words in (ENGLISH, CHINESE):
        other = strange(words).labels
        for key, texts in other.items():
            if texts == words.labels[key]:
                continue
            name = key.removeprefix("invoice_")
            for text in texts.format(rate=6).split("|"):
                assert text.rstrip(".").casefold() not in labels[name]


def test_the_rules_read_true_lines_without_triton(fonts_folder, maker, capsys):
    slip = maker.make(7, 0, "receipt, en", "clean")
    assert {field.name for field in by_rules(slip.lines)} >= {"date", "seller", "total"}
    assert main(["--made", "1", "--true-lines", "--fonts", str(fonts_folder)]) == 0
    assert capsys.readouterr().out.count("value  place") == len(KINDS) + 1
