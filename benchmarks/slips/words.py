"""What receipts and invoices call their fields, and how names, dates and tax ids look on them.

Who mended the rules had seen the labels of `ENGLISH` and `CHINESE`. Those of `strange` are written
down to stay unknown to the rules: what they do where a page says it in other words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from ocr_training.corpus import Corpus

Firm = Callable[[Corpus, np.random.Generator], str]


class TaxId(Protocol):
    def __call__(self, digits: str, *, letters: bool) -> str: ...


@dataclasses.dataclass(frozen=True)
class Words:
    """Alternatives are parted by bars. dates: formats of strftime."""

    colon: str
    space: str
    dates: tuple[str, ...]
    money: tuple[str, ...]
    rates: tuple[int, ...]
    labels: dict[str, str]
    tax_id: TaxId
    firm: Firm
    road: Firm


def _english_firm(corpus: Corpus, rng: np.random.Generator) -> str:
    ends = "Ltd|Sdn Bhd|Inc.|Co.|Stores|Hardware|Coffee House|Books|Market|GmbH|Bistro|Pharmacy"
    words = [corpus.english_word(rng).capitalize() for _ in range(rng.integers(1, 3))]
    name = " ".join([*words, str(rng.choice(ends.split("|")))])
    return name.upper() if rng.random() < 0.4 else name


def _english_road(corpus: Corpus, rng: np.random.Generator) -> str:
    kind = str(rng.choice(["Street", "Road", "Lane", "Avenue"]))
    town = corpus.english_word(rng).capitalize()
    return f"{rng.integers(1, 200)} {corpus.english_word(rng).capitalize()} {kind}, {town}"


def _chinese_firm(corpus: Corpus, rng: np.random.Generator) -> str:
    towns = "北京 上海 广州 深圳 杭州 成都 武汉".split()
    ends = "科技有限公司 商贸有限公司 餐饮管理有限公司 超市 便利店 书店 大药房 饭店 百货".split()
    town = str(rng.choice(towns)) if rng.random() < 0.6 else ""
    return town + corpus.word(rng) + corpus.word(rng) + str(rng.choice(ends))


def _chinese_road(corpus: Corpus, rng: np.random.Generator) -> str:
    roads = "人民路 中山路 解放大道 建设街 和平路".split()
    return f"{corpus.word(rng)}区{rng.choice(roads)}{rng.integers(1, 500)}号"


def _western_id(digits: str, *, letters: bool) -> str:
    return f"GB{digits[:9]}" if letters else digits[:12]


def _credit_code(digits: str, *, letters: bool) -> str:
    """18 characters of firms, 15 digits of older tax ids."""
    return f"91{digits[:6]}MA{digits[6:9]}K{digits[9:13]}X"[:18] if letters else digits


ENGLISH: Final = Words(
    colon=":",
    space=" ",
    dates=("%d/%m/%Y", "%Y-%m-%d", "%d-%m-%Y", "%d %b %Y", "%d.%m.%Y", "%d/%m/%y", "%d %B %Y", "%b %d, %Y"),
    money=("", "", "$", "RM", "£", "RM ", "€"),
    rates=(6, 7, 10, 20),
    labels={
        "date": "Date|DATE|Invoice Date|Bill Date|Date of Issue|Issued|Transaction Date|Trans. Date|Order Date|Date/Time",
        "number": "Invoice No.|Invoice No|Invoice #|Invoice Number|Receipt No.|Receipt #|Bill No.|Inv No.|Doc No.|Order No.|Transaction No.|Check #|Ticket No.|Receipt Number|Trans #",
        "total": "TOTAL|Total|Grand Total|Total Due|Amount Due|Balance Due|Total Amount|Amount Payable|Net Total|Total Payable|Nett Total|Total incl. VAT|TOTAL (incl. tax)|Total to Pay",
        "invoice_date": "Invoice Date|Date|Date of Issue|Issue Date|Date Issued",
        "invoice_number": "Invoice No.|Invoice Number|Invoice #|Invoice ID",
        "tax": "GST {rate}%|VAT {rate}%|VAT ({rate}%)|Sales Tax|Tax|Service Tax {rate}%|Total VAT|GST|SST {rate}%|Tax ({rate}%)|VAT @ {rate}%|VAT Amount|Tax Amount",
        "tax_id": "GST ID|GST Reg No.|VAT No.|VAT Reg. No.|Tax ID|VAT Registration No.|GST No.|SST No.|VAT Number|TIN|Tax Reg. No.|VAT ID",
        "net": "Subtotal|Sub-Total|Sub Total|SUBTOTAL|Net Amount|Total excl. tax|Total before tax|Amount before VAT",
        "cash": "Cash|CASH|Cash Tendered|Paid|Amount Tendered|Visa",
        "change": "Change|CHANGE|Change Due|Balance",
        "other": "Cashier|Table|Counter|Terminal|Member No.|Server|Tel|Pax|Store No.",
        "title": "INVOICE|TAX INVOICE|Receipt|Tax Invoice|SALES RECEIPT",
        "later": "Valid until|Exchange before|Points expire|Promotion ends",
    },
    tax_id=_western_id,
    firm=_english_firm,
    road=_english_road,
)  # fmt: skip
CHINESE: Final = Words(
    colon="：",
    space="",
    dates=("%Y-%m-%d", "%Y年%m月%d日", "%Y/%m/%d", "%Y.%m.%d"),
    money=("", "", "￥", "¥"),
    rates=(0,),
    labels={
        "date": "日期|交易日期|销售日期|消费日期|时间|交易时间|下单时间|结账时间|开单日期|收银时间",
        "number": "小票号|单号|订单号|流水号|单据号|票号|交易号|账单号|收据编号|订单编号|交易流水号|销售单号",
        "total": "合计|总计|应付|实付|应收|应收金额|应付金额|实付金额|合计金额|总金额|应付合计|实付款|消费合计",
        "tax": "税额",
        "tax_id": "税号|纳税人识别号|统一社会信用代码",
        "net": "小计|商品小计|原价合计|商品总额",
        "cash": "现金|实收|收款|微信支付|支付宝|实收现金",
        "change": "找零|找回|找赎",
        "other": "收银员|桌号|机号|会员号|服务员|电话|人数|收银台|门店编号",
        "title": "购物小票|结账单|销售小票|收款收据|欢迎光临",
        "later": "积分有效期至|活动截止|退换货截止",
    },
    tax_id=_credit_code,
    firm=_chinese_firm,
    road=_chinese_road,
)
_STRANGE_ENGLISH: Final = {
    "date": "Dated|Printed|Sold on|When|Time|Purchase|Day",
    "number": "Ref No.|Reference|Slip No.|Folio|Document|Docket|Sale ID|Txn",
    "invoice_date": "Dated|Issued on|Tax point|Raised on",
    "invoice_number": "Ref No.|Reference|Document No.|Our ref",
    "total": "To Pay|Sum|Balance to pay|Total Price|You pay|Payable|Net to pay|Final amount",
    "tax": "HST {rate}%|IVA {rate}%|MwSt {rate}%|Taxes|Tax total|Levy {rate}%",
    "tax_id": "ABN|EIN|UEN|GSTIN|VAT|Tax registration|USt-IdNr.",
}
_STRANGE_CHINESE: Final = {
    "date": "销售时间|收款日|办理时间|成交时间|入账时间",
    "number": "编号|凭证号|小票编号|销售号|收银号|凭条号",
    "total": "消费金额|支付金额|总价|共计|应缴金额|付款总额|结算金额",
    "tax_id": "信用代码|登记号|商户税务编号|税务登记号",
}


def strange(words: Words) -> Words:
    """With labels in place of those that the rules may know."""
    labels = _STRANGE_ENGLISH if words is ENGLISH else _STRANGE_CHINESE
    return dataclasses.replace(words, labels=words.labels | labels)
