"""How receipts and invoices are laid out: what stands where, and which of it are fields."""

from __future__ import annotations

import datetime as dt

from .desk import Desk, Put, Sums, TrueField, amount, printed, sums


def receipt(desk: Desk) -> None:
    """The seller on top, items, then sums among which one is the total."""
    rng, words = desk.rng, desk.words
    title = desk.one_of(words.labels["title"])
    above = desk.chance(0.2)
    if above:
        desk.line(title)
    _seller(desk)
    for _ in range(rng.integers(0, 3)):
        desk.line(words.road(desk.sheet.maker.corpus, rng))
    if desk.chance(0.5):
        code = desk.tax_id()
        label = desk.one_of(words.labels["tax_id"])
        desk.pair(label, code, "same", ("tax_id", code))
    if not above and desk.chance(0.5):
        desk.line(title)
    desk.sheet.next_block()
    desk.down(0.5)
    _head(desk, one_put(desk, "same", "same", "row", "end"))
    paid = sums(rng, 20_000, words.rates)
    desk.sheet.next_block()
    _items(desk, paid)
    desk.sheet.next_block()
    _sums(desk, paid)
    if desk.chance(0.4):
        late = dt.date(2028, 1, 1) + dt.timedelta(days=int(rng.integers(300)))
        desk.pair(desk.one_of(words.labels["later"]), desk.date(late), "same")
    if desk.chance(0.5):
        desk.line("谢谢惠顾，欢迎再次光临" if words.space == "" else "Thank you, please come again")


def one_put(desk: Desk, *puts: Put) -> Put:
    return puts[desk.rng.integers(len(puts))]


def _seller(desk: Desk) -> None:
    name = desk.seller()
    size = float(desk.rng.uniform(1.0, 1.4))
    align = "centre" if desk.chance(0.7) else "left"
    line = desk.set(name, desk.left, desk.right, align, size)
    desk.down(size)
    desk.fields.append(TrueField("seller", line.text, line))


def _day(desk: Desk) -> dt.date:
    return dt.date(2016, 1, 1) + dt.timedelta(days=int(desk.rng.integers(4000)))


def _number(desk: Desk) -> str:
    count = int(desk.rng.integers(5, 12))
    start = desk.one_of("|||A|INV-|SO|R|CS-") if desk.words.space else ""
    return start + desk.digits(count)


def _head(desk: Desk, put: Put) -> None:
    """Date and number, and what looks like them, in any order."""
    words, day = desk.words, _day(desk)
    written = desk.date(day)
    if desk.chance(0.5):
        written += f" {desk.rng.integers(8, 23):02d}:{desk.rng.integers(60):02d}"
    others = [(desk.one_of(words.labels["other"]), desk.digits(int(desk.rng.integers(2, 9))), None)]
    number = _number(desk)
    rows = [
        (desk.one_of(words.labels["date"]), written, ("date", day.isoformat())),
        (desk.one_of(words.labels["number"]), number, ("number", number)),
        *others,
    ]
    for place in desk.rng.permutation(len(rows)).tolist():
        label, value, truth = rows[place]
        desk.pair(label, value, put, truth)


def _items(desk: Desk, paid: Sums) -> None:
    corpus, middle = desk.sheet.maker.corpus, desk.left + 0.6 * (desk.right - desk.left)
    chinese = not desk.words.space
    heads = ("商品名称", "数量", "金额") if chinese else ("Item", "Qty", "Amount")
    desk.set(heads[0], desk.left, middle)
    desk.set(heads[1], middle, desk.right)
    desk.set(heads[2], middle + 3 * desk.em, desk.right, "right")
    desk.down()
    for cents in paid.goods:
        name = corpus.word(desk.rng) if chinese else corpus.english_word(desk.rng)
        desk.set(name, desk.left, middle - desk.em)
        desk.set(str(desk.rng.integers(1, 9)), middle, desk.right)
        desk.set(printed(cents), middle + 3 * desk.em, desk.right, "right")
        desk.down()
    desk.down(0.5)


def _sums(desk: Desk, paid: Sums) -> None:
    labels, rng = desk.words.labels, desk.rng
    money = desk.one_of(desk.words.money)
    put = one_put(desk, "end", "end", "end", "same", "row")
    taxed = bool(paid.rate) and desk.chance(0.7)
    total = paid.total if taxed else paid.net
    if taxed or desk.chance(0.5):
        desk.pair(desk.one_of(labels["net"]), money + printed(paid.net), put)
    if taxed:
        label = desk.one_of(labels["tax"]).format(rate=paid.rate)
        desk.pair(label, money + printed(paid.tax), put, ("tax", amount(paid.tax)))
    rounding = desk.chance(0.2)
    if rounding:
        desk.pair("抹零" if not desk.words.space else "Rounding", "0.02", put)
        total -= 2
    if desk.chance(0.3):
        label = (
            "件数" if not desk.words.space else desk.one_of("Total Qty|Total Items|No. of Items")
        )
        desk.pair(label, str(len(paid.goods)), put)
    truth = ("total", amount(total))
    desk.pair(desk.one_of(labels["total"]), money + printed(total), put, truth)
    if desk.chance(0.6):
        cash = total + int(rng.integers(1, 5000))
        desk.pair(desk.one_of(labels["cash"]), money + printed(cash), put)
        desk.pair(desk.one_of(labels["change"]), money + printed(cash - total), put)


def western_invoice(desk: Desk) -> None:
    """Seller on the left on top, the buyer below, a table, sums on the right."""
    rng, words, corpus = desk.rng, desk.words, desk.sheet.maker.corpus
    left, right = desk.left, desk.right
    middle = left + 0.55 * (right - left)
    title = "INVOICE" if desk.chance(0.6) else "TAX INVOICE"
    if desk.chance(0.5):
        desk.set(title, middle, right, "right", 1.8)
    line = desk.set(desk.seller(), left, middle, "left", 1.3)
    desk.fields.append(TrueField("seller", line.text, line))
    desk.down(1.4)
    for _ in range(2):
        desk.line(words.road(corpus, rng), "left")
    code, where = desk.tax_id(), rng.random()
    tax_label = desk.one_of(words.labels["tax_id"])
    if where < 0.6:
        desk.pair(tax_label, code, "same", ("tax_id", code))
    desk.sheet.next_block()
    desk.down()
    below = desk.y
    desk.line(desk.one_of("Bill To|Invoice To|Sold To|Customer") + ":", "left")
    desk.line(words.firm(corpus, rng), "left")
    desk.line(words.road(corpus, rng), "left")
    buyer_end, desk.y = desk.y, below
    _invoice_head(desk, middle, buyer_end)
    desk.left, desk.right = left, right
    desk.y = max(desk.y, buyer_end) + desk.pitch
    desk.sheet.next_block()
    paid = sums(rng, 400_000, words.rates)
    _items(desk, paid)
    desk.sheet.next_block()
    desk.left = middle
    money = desk.one_of(words.money)
    tax = desk.one_of(words.labels["tax"]).format(rate=paid.rate)
    total = desk.one_of(words.labels["total"])
    desk.pair(desk.one_of(words.labels["net"]), money + printed(paid.net), "end")
    desk.pair(tax, money + printed(paid.tax), "end", ("tax", amount(paid.tax)))
    desk.pair(total, money + printed(paid.total), "end", ("total", amount(paid.total)))
    desk.left = left
    desk.sheet.next_block()
    desk.down()
    desk.pair("Account No.", desk.digits(10), "same")
    if where >= 0.6:
        desk.pair(tax_label, code, "same", ("tax_id", code))


def _invoice_head(desk: Desk, middle: float, buyer_end: float) -> None:
    """Date, number, and when it is due: beside the buyer, or in a strip below."""
    words, left, right = desk.words, desk.left, desk.right
    desk.sheet.next_block()
    day, number = _day(desk), _number(desk)
    due = desk.one_of("Due Date|Payment Due|Due by")
    rows: list[tuple[str, str, tuple[str, str] | None]] = [
        (desk.one_of(words.labels["invoice_date"]), desk.date(day), ("date", day.isoformat())),
        (desk.one_of(words.labels["invoice_number"]), number, ("number", number)),
        (due, desk.date(day + dt.timedelta(days=30)), None),
    ]
    rows = [rows[place] for place in desk.rng.permutation(3).tolist()]
    if desk.chance(0.4):  # a strip: labels over values
        desk.y = buyer_end + desk.pitch
        step, top = (right - left) / 3, desk.y
        for column, (label, value, truth) in enumerate(rows):
            desk.left, desk.y = left + column * step, top
            desk.right = desk.left + step - desk.em
            desk.pair(label, value, "below", truth)
    else:
        desk.left = middle
        put = one_put(desk, "same", "row", "end")
        for label, value, truth in rows:
            desk.pair(label, value, put, truth)


def vat_invoice(desk: Desk) -> None:
    """As in China: buyer first, the seller below the table, or beside the buyer."""
    rng, words, corpus = desk.rng, desk.words, desk.sheet.maker.corpus
    left, right = desk.left, desk.right
    middle = left + 0.5 * (right - left)
    desk.line(desk.one_of("电子发票（普通发票）|增值税电子普通发票|增值税专用发票"), "centre", 1.5)
    desk.left = left + 0.6 * (right - left)
    day, number = _day(desk), desk.digits(8 if desk.chance(0.5) else 20)
    if len(number) == 8:
        desk.pair("发票代码", desk.digits(12), "same")
    desk.pair("发票号码", number, "same", ("number", number))
    desk.pair("开票日期", day.strftime("%Y年%m月%d日"), "same", ("date", day.isoformat()))
    if len(number) == 8:
        desk.pair("校验码", desk.digits(20), "same")
    desk.left = left
    paid = sums(rng, 400_000, (3, 6, 9, 13))
    beside = desk.chance(0.5)
    label = desk.one_of("纳税人识别号|统一社会信用代码/纳税人识别号")
    top = desk.y = desk.y + desk.pitch

    def party(name: str, *, truth: bool) -> None:
        desk.sheet.next_block()
        firm, code = words.firm(corpus, rng), words.tax_id(desk.digits(15), letters=True)
        if name:
            desk.line(name, "left")
        desk.pair("名称", firm, "same", ("seller", firm) if truth else None)
        desk.pair(label, code, "same", ("tax_id", code) if truth else None)

    heads = desk.chance(0.7)
    if beside:
        desk.right = middle - desk.em
        party("购买方信息" if heads else "", truth=False)
        desk.left, desk.right, desk.y = middle, right, top
        party("销售方信息" if heads else "", truth=True)
        desk.left = left
    else:
        party("购买方" if heads else "", truth=False)
        desk.pair("地址、电话", words.road(corpus, rng) + desk.digits(8), "same")
    desk.down()
    desk.sheet.next_block()
    _vat_table(desk, paid)
    if not beside:
        party("销售方" if heads else "", truth=True)
        desk.pair("地址、电话", words.road(corpus, rng) + desk.digits(8), "same")
    desk.down()
    desk.sheet.next_block()
    desk.line(f"开票人：{corpus.word(rng)}", "left")


def _vat_table(desk: Desk, paid: Sums) -> None:
    left, width = desk.left, desk.right - desk.left
    ends = [left + share * width for share in (0.45, 0.68, 0.82, 1.0)]
    desk.set("项目名称", left, ends[0])
    for head, end in zip(("金额", "税率", "税额"), ends[1:], strict=True):
        desk.set(head, left, end, "right")
    desk.down()
    for cents, tax in zip(paid.goods, paid.taxes, strict=True):
        desk.set(f"*{desk.sheet.maker.corpus.word(desk.rng)}*服务", left, ends[0])
        texts = (printed(cents, thousands=False), f"{paid.rate}%", printed(tax, thousands=False))
        for text, end in zip(texts, ends[1:], strict=True):
            desk.set(text, left, end, "right")
        desk.down()
    desk.down(0.5)
    desk.set("合计" if desk.chance(0.7) else "合  计", left, ends[0])
    desk.set("￥" + printed(paid.net, thousands=False), left, ends[1], "right")
    line = desk.set("￥" + printed(paid.tax, thousands=False), left, ends[3], "right")
    desk.fields.append(TrueField("tax", amount(paid.tax), line))
    desk.down(1.2)
    desk.set("价税合计（大写）", left, ends[0])
    desk.set("壹仟贰佰叁拾肆圆整", ends[0] - 4 * desk.em, ends[2])
    desk.left = ends[2] - 2 * desk.em
    value = "￥" + printed(paid.total, thousands=False)
    desk.pair("（小写）", value, "same", ("total", amount(paid.total)))
    desk.left = left
    desk.down()
