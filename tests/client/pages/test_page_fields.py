"""Fields of receipts and invoices: where they stand, what they are worth, and whose rules they obey."""

import dataclasses
import time

import pytest
from test_page_structure import put

from ocr_client.config import ClientConfig
from ocr_client.errors import ConfigError
from ocr_client.pages.fields import RulesError, fields_of, load, shipped
from ocr_client.pages.fields.labels import Label
from ocr_client.pages.fields.regexes import TEXT, compiled
from ocr_client.pages.fields.values import value_of


def found(lines, rules=None):
    return {field.name: field.value for field in fields_of(lines, rules or shipped())}


RECEIPT = [
    put("3180304", 10, 10),
    put("RESTORAN WAN SHENG SDN BHD", 100, 60),
    put("12, Jalan Angsa, 43200 Cheras", 100, 90),
    put("GST REG NO: 001355787520", 100, 120),
    put("Tax Invoice", 100, 150),
    put("Inv No.: 1047523", 50, 200),
    put("Date", 50, 230), put(":16-03-2018 12:07:10", 150, 230),
    put("Tea", 50, 300), put("2", 300, 300), put("4.40", 500, 300),
    put("Sub-Total", 50, 400), put("9.07", 500, 400),
    put("GST payable (6%):", 50, 430), put("0.53", 500, 430),
    put("Tota1:", 50, 460), put(":", 300, 460), put("RM 9.6O", 500, 460),
    put("Cash", 50, 490), put("10.00", 500, 490),
]  # fmt: skip


def test_a_receipt_has_its_fields_with_their_boxes():
    """Misread letters and signs between label and value do not matter."""
    fields = {field.name: field for field in fields_of(RECEIPT, shipped())}
    assert {name: field.value for name, field in fields.items()} == {
        "date": "2018-03-16",
        "number": "1047523",
        "seller": "RESTORAN WAN SHENG SDN BHD",
        "total": "9.60",
        "tax": "0.53",
        "tax_id": "001355787520",
    }
    assert (fields["total"].text, fields["total"].lines) == ("9.6O", (17,))
    left, top, right, bottom = fields["total"].box
    assert (left, right) == (530, 570)  # the number, not RM before it
    assert (top, bottom) == (460, 480)


def test_a_chinese_invoice_has_its_fields():
    lines = [
        put("增值税电子普通发票", 200, 20, height=40),
        put("发票号码：04433216", 500, 80),
        put("开票日期：2021年03月05日", 500, 110),
        put("购买方 名称：北京某某科技有限公司", 50, 150),
        put("合计", 50, 400), put("￥100.00", 400, 400), put("￥6.00", 560, 400),
        put("价税合计（大写）壹佰零陆圆整", 50, 430), put("（小写）￥106.00", 500, 430),
        put("销售方名称：上海某某餐饮管理有限公司", 50, 470),
        put("纳税人识别号：91310000MA1FL0B15X", 50, 500),
    ]  # fmt: skip
    assert found(lines) == {
        "date": "2021-03-05",
        "number": "04433216",
        "seller": "上海某某餐饮管理有限公司",
        "total": "106.00",
        "tax_id": "91310000MA1FL0B15X",
    }


def test_a_value_below_its_label_is_found():
    lines = [put("Invoice Date", 50, 100), put("Amount due", 400, 100),
             put("03/11/2020", 50, 130), put("1,234.50", 400, 130)]  # fmt: skip
    assert found(lines) == {"date": "2020-11-03", "total": "1234.50"}


def test_dates_with_names_of_months_are_found():
    """In full or short, before the day or behind it."""
    for text in ("5 Mar 2020", "05 March 2020", "Mar 05, 2020", "March 5 2020", "05-Mar-20"):
        lines = [put("Date", 50, 100), put(text, 200, 100), put("Total 9.60", 50, 200)]
        assert found(lines)["date"] == "2020-03-05"


def test_when_it_is_due_is_not_its_date():
    """Neither behind its label, nor beside it, nor below it, where no other label says a date."""
    total = put("Total 9.60", 50, 400)
    for due in (
        [put("Due Date: 05/04/2020", 50, 100)],
        [put("Due Date", 50, 100), put("05/04/2020", 300, 100)],
        [put("Due Date", 50, 100), put("05/04/2020", 50, 130)],
        [put("积分有效期至：2020-04-05", 50, 100)],
    ):
        assert "date" not in found([*due, total])
        assert found([*due, put("06/03/2020", 50, 250), total])["date"] == "2020-03-06"


def test_whom_it_is_billed_to_is_not_the_seller():
    lines = [
        put("Scab Quailed Co.", 50, 20),
        put("66 Periodontal Street", 50, 50),
        put("Bill To:", 50, 100), put("Invoice No. 4711", 500, 100),
        put("Fade Ltd", 50, 130),
        put("Total 9.60", 500, 300),
    ]  # fmt: skip
    assert found(lines)["seller"] == "Scab Quailed Co."


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        ([put("Invoice #: INV-20345", 50, 100)], "INV-20345"),
        ([put("Invoice #", 50, 100), put("20345", 400, 100)], "20345"),
        ([put("INVOICE", 50, 100), put("20345", 50, 130)], "20345"),
        ([put("INVOICE", 50, 100), put("1234 Main Street", 50, 130)], None),
        ([put("Invoice No.", 50, 100), put("2020-12-21", 400, 100)], None),
        ([put("Tax invoice", 50, 100), put("20345", 50, 130)], None),
    ],
)
def test_a_number_stands_by_the_bare_word_where_nothing_else_can_be_meant(lines, number):
    assert found([*lines, put("Total 9.60", 50, 400)]).get("number") == number


def test_a_rate_between_label_and_amount_does_not_part_them():
    for text in ("VAT (20%): 1.60", "GST @ 6% 1.60", "Tax (17.5%)  RM1.60", "VAT 20%: 1.60"):
        assert found([put(text, 50, 100), put("Total: 9.60", 50, 130)])["tax"] == "1.60"
    large = [put("VAT 20%", 50, 100), put("£1,234.50", 400, 100), put("Total 9.60", 50, 130)]
    assert found(large)["tax"] == "1234.50"


@pytest.mark.parametrize("text", ["£5,219.41", "5.219.41", "5, 219.41", "5.219,41"])
def test_thousands_stay_with_their_amount_however_they_are_parted(text):
    """A comma is easily read as a point, and much of Europe writes one."""
    assert found([put("Total", 50, 100), put(text, 400, 100)])["total"] == "5219.41"


BUYER = [
    put("名称：北京某某科技有限公司", 50, 100),
    put("纳税人识别号：91110000MA1AAAA11A", 50, 130),
]
VAT = [
    put("发票号码：04433216", 500, 20),
    put("项目名称", 50, 200), put("金额", 300, 200), put("税率", 400, 200), put("税额", 500, 200),
    put("*餐饮*服务", 50, 230), put("60.00", 300, 230), put("6%", 400, 230), put("3.60", 500, 230),
    put("*住宿*服务", 50, 260), put("40.00", 300, 260), put("6%", 400, 260), put("2.40", 500, 260),
    put("合计", 50, 310), put("￥100.00", 300, 310), put("￥6.00", 500, 310),
    put("价税合计（大写）", 50, 350), put("壹佰零陆圆整", 300, 350),
    put("（小写） ￥106.00", 450, 350),
]  # fmt: skip


@pytest.mark.parametrize("where", [(50, 400), (600, 100)])  # below the table, beside the buyer
def test_the_seller_of_a_vat_invoice_is_the_second_party(where):
    x, y = where
    seller = [
        put("名称：上海某某餐饮管理有限公司", x, y),
        put("纳税人识别号：91310000MA1FL0B15X", x, y + 30),
    ]
    fields = found([*BUYER, *VAT, *seller])
    assert fields["seller"] == "上海某某餐饮管理有限公司"
    assert fields["tax_id"] == "91310000MA1FL0B15X"
    assert (fields["total"], fields["tax"]) == ("106.00", "6.00")


def test_the_foot_of_a_column_is_above_the_sum_of_sums():
    """Neither words nor what a row named in `not` says belongs to the column."""
    lines = [put("税额", 500, 100), put("3.60", 500, 130), put("Y6.00", 500, 170)]
    assert found([*lines, put("合计 9.60", 50, 300)])["tax"] == "6.00"
    for last in ([put("小写", 300, 210), put("9.60", 500, 210)], [put("共计9.60", 500, 210)]):
        assert found([*lines, *last, put("合计 9.60", 50, 300)])["tax"] == "6.00"


def test_a_text_that_is_no_receipt_has_no_fields():
    """A date alone makes none."""
    assert found([put("On 03/11/2020 it rained", 50, 100), put("all day long", 50, 130)]) == {}


@pytest.mark.parametrize(
    ("label", "text", "end"),
    [
        ("total", "TOTAL RM", 5),
        ("total", "T0TAL", 5),
        ("total", "Subtotal", None),  # within a word
        ("total", "totally", None),
        ("grand total", "Grand Tota.", 10),
        ("价税合计", "价税台计：", 4),  # of four none may be wrong; see below
        ("开票日期", "开票日期:2020", 4),
        ("invoice no", "INVOICE N0: 5", 10),
        ("inv", "invoice", None),
        ("gst no", "gst:001662", None),  # a digit of the value is no letter
    ],
)
def test_labels_are_found_as_words_although_some_letters_are_wrong(label, text, end):
    span = Label.of(label).end_in(text)
    if text == "价税台计：":
        assert span is None
    else:
        assert (span and span[1]) == end


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("16-03-18", "date", "2018-03-16"),
        ("2021年3月5", "date", "2021-03-05"),
        ("03/25/2018", "date", "2018-03-25"),
        ("5 Mar 2020", "date", "2020-03-05"),
        ("31/02/2020", "date", None),
        ("Mar 5, 2020", "date", "2020-03-05"),
        ("Sept. 5 2020", "date", "2020-09-05"),
        ("5 Max 2020", "date", None),
        ("Mar May 2020", "date", None),
        ("1,234.5O", "amount", "1234.50"),
        ("22-60", "amount", "22.60"),
        ("3 08", "amount", "3.08"),
        ("  A  B ", "text", "A B"),
    ],
)
def test_values_are_written_as_programs_want_them(text, kind, value):
    assert value_of(text, kind) == value


OWN = """fields:
  - name: table
    labels: [Table]
    value: '(?P<value>[A-Z]\\d{1,3})'
    where: [same, right]
"""


def test_rules_of_ones_own_take_the_place_of_the_shipped_ones(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(OWN)
    lines = [*RECEIPT, put("TABLE", 400, 200), put("A10", 480, 200)]
    assert found(lines, load(file)) == {"table": "A10"}
    config = ClientConfig.parse({"pages": {"fields": "own.yaml"}}, folder=tmp_path)
    assert config.pages.fields == load(file)
    assert not ClientConfig.parse({"pages": {"fields": "none"}}).pages.fields.rules
    with pytest.raises(ConfigError, match=r"^pages.fields: .*absent.yaml: no such file"):
        ClientConfig.parse({"pages": {"fields": "absent.yaml"}}, folder=tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[A-Z]", "[A-Z", r"line 4: rule 1 \(table\): value: no regular expression"),
        ("[A-Z]\\d{1,3}", "(a+)+b", r"line 4: rule 1 \(table\): value: takes too long"),
        ("[A-Z]\\d{1,3}", "(a|a)*b", r"rule 1 \(table\): value: takes too long"),
        ("[A-Z]\\d{1,3}", ".*x.*y.*z", r"rule 1 \(table\): value: takes too long"),
        ("[A-Z]\\d{1,3}", "a" * 401, r"rule 1 \(table\): value: longer than 400 characters"),
        ("right]", "left]", r"line 5: rule 1 \(table\): where: 'left' is not accepted; accepted: same"),
        ("labels", "lables", r"line 3: rule 1: unknown key 'lables'; accepted: name, labels"),
        ("name: table", "name: Table 1", r"line 2: rule 1: name: 'Table 1'"),
        ("[Table]", "['#']", r"line 3: rule 1 \(table\): a label without letters"),
        ("    labels: [Table]\n", "", r"rule 1 \(table\): has no labels"),
        ("fields:", "any_of: [total]\nfields:", r"line 1: any_of: no rule is called 'total'"),
        ("fields:", "fields: [", "line 2: not YAML|line 3: not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_names_the_rule_and_the_line(old, new, told, tmp_path):
    file = tmp_path / "own.yaml"
    assert old in OWN
    file.write_text(OWN.replace(old, new))
    with pytest.raises(RulesError, match=told) as caught:
        load(file)
    assert "\n" not in str(caught.value)


def test_what_a_pattern_may_cost_is_bounded():
    """The worst that is accepted, with a text made for it, within the bound of a page."""
    pattern = compiled(r"(?:a{0,40}b?){0,1}a{0,40}a{0,40}c")
    began = time.process_time()
    assert pattern.search("a" * TEXT) is None
    assert time.process_time() - began < 10
    for bad in (r"(a*)*", r"(?:a|b?)+c", r"(?:\w{1,9}){1,9}x", r"a*a*a*b"):
        with pytest.raises(ValueError, match="takes too long"):
            compiled(bad)


def test_looking_for_fields_ends_in_time():
    """By a clock that goes on with every look: what was found until then is said."""
    ticks = iter([0.0, 1.0, *[9.0] * 100])
    assert [field.name for field in fields_of(RECEIPT, load_all(), clock=lambda: next(ticks))] == [
        "date"
    ]


def load_all():
    return dataclasses.replace(shipped(), any_of=())
