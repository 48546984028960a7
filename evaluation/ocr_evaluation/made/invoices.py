"""What stands on invoices and till slips, Chinese and English, a line at a time."""

from __future__ import annotations

from typing import Final

import numpy as np

from ocr_training.corpus import Corpus

_FIELDS: Final = (
    "开票日期 发票号码 发票代码 校验码 机器编号 纳税人识别号 开户行及账号 收款人 复核 开票人 备注 "
    "订单编号 交易时间 桌号 流水号 会员卡号 合计金额 应付 实付 找零 优惠 税额 单价 数量"
).split()
_GOODS: Final = "餐饮服务 日用杂品 信息技术服务 运输服务 办公用品 住宿服务 食品 电子产品".split()
_FIRMS: Final = (
    "有限公司 股份有限公司 商贸有限公司 餐饮管理有限公司 百货商店 超市 酒店 药房".split()
)
_DIGITS: Final = "零壹贰叁肆伍陆柒捌玖"
_SLIP: Final = (
    "Total Subtotal Cash Change Rounding Discount Balance Qty Amount Invoice Cashier Table Service "
    "Tax GST VAT Net Gross Card Receipt Order Date Time Price Item Deposit Refund Paid Due"
).split()
_CLOSING: Final = (
    "Thank you, please come again",
    "Goods sold are not returnable",
    "GST summary",
    "Prices are inclusive of tax",
    "谢谢惠顾，欢迎再次光临",
    "请妥善保管小票",
)


def invoice(corpus: Corpus, rng: np.random.Generator) -> str:
    """One line; three of five have Chinese."""
    forms = _CHINESE if rng.random() < 0.6 else _ENGLISH
    if rng.random() < 0.05:
        return _CLOSING[rng.integers(len(_CLOSING))]
    return forms[rng.integers(len(forms))](corpus, rng)


def _amount(rng: np.random.Generator) -> str:
    """Small sums are more frequent than large ones."""
    return f"{float(np.exp(rng.uniform(0, 9))):,.2f}"


def _day(rng: np.random.Generator) -> tuple[int, int, int]:
    return int(rng.integers(2015, 2027)), int(rng.integers(1, 13)), int(rng.integers(1, 29))


def _field(_corpus: Corpus, rng: np.random.Generator) -> str:
    name, colon = _FIELDS[rng.integers(len(_FIELDS))], ("：", ":")[rng.integers(2)]
    year, month, day = _day(rng)
    values = (
        "",
        f"{year}年{month:02d}月{day:02d}日",
        "".join(map(str, rng.integers(10, size=int(rng.integers(8, 21))))),
        f"￥{_amount(rng)}",
        f"{rng.integers(1, 60)}",
    )
    return name + colon + values[rng.integers(len(values))]


def _goods(corpus: Corpus, rng: np.random.Generator) -> str:
    name = corpus.word(rng) + (corpus.word(rng) if rng.random() < 0.5 else "")
    if rng.random() < 0.4:
        return f"*{_GOODS[rng.integers(len(_GOODS))]}*{name}"
    return f"{name} {rng.integers(1, 20)} {_amount(rng)}"


def _in_words(_corpus: Corpus, rng: np.random.Generator) -> str:
    """A sum in the characters that nobody can change afterwards."""
    thousands, hundreds, tens, ones = (_DIGITS[i] for i in rng.integers(1, 10, size=4))
    text = f"{thousands}仟{hundreds}佰{tens}拾{ones}圆整"
    return f"价税合计（大写）{text}" if rng.random() < 0.5 else text


def _firm(corpus: Corpus, rng: np.random.Generator) -> str:
    name = corpus.word(rng) + corpus.word(rng) + _FIRMS[rng.integers(len(_FIRMS))]
    return ("购买方名称：", "销售方：", "", "")[rng.integers(4)] + name


def _rate(_corpus: Corpus, rng: np.random.Generator) -> str:
    return f"税率 {(3, 6, 9, 13)[rng.integers(4)]}% 税额 {_amount(rng)}"


def _slip(_corpus: Corpus, rng: np.random.Generator) -> str:
    name = _SLIP[rng.integers(len(_SLIP))]
    name = name.upper() if rng.random() < 0.6 else name
    currency = ("", "", "RM", "$", "RM ")[rng.integers(5)]
    return f"{name}{(' ', ': ', ' : ')[rng.integers(3)]}{currency}{_amount(rng)}"


def _item(corpus: Corpus, rng: np.random.Generator) -> str:
    words = " ".join(corpus.english_word(rng) for _ in range(rng.integers(1, 4))).upper()
    count = f"{rng.integers(1, 9)} x " if rng.random() < 0.3 else ""
    return f"{count}{words} {_amount(rng)}" if rng.random() < 0.7 else words


def _stamped(_corpus: Corpus, rng: np.random.Generator) -> str:
    year, month, day = _day(rng)
    clock = f"{rng.integers(24):02d}:{rng.integers(60):02d}:{rng.integers(60):02d}"
    date = (f"{day:02d}/{month:02d}/{year}", f"{year}-{month:02d}-{day:02d}")[rng.integers(2)]
    return f"{('Date', 'DATE', '')[rng.integers(3)]} {date} {clock}".strip()


def _number(_corpus: Corpus, rng: np.random.Generator) -> str:
    name = ("Invoice No.", "INV NO:", "Tel:", "GST ID:", "Receipt #", "Order")[rng.integers(6)]
    return f"{name} {rng.integers(10**5, 10**10)}"


_CHINESE: Final = (_field, _field, _goods, _goods, _in_words, _firm, _rate)
_ENGLISH: Final = (_slip, _slip, _item, _item, _stamped, _number)
