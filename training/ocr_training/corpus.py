"""What is written on the lines: running text, words, numbers, dates, amounts, addresses, codes."""

from __future__ import annotations

import bisect
import functools
import itertools
import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np

from ocr_export import alphabet
from ocr_training import phrases, rare
from ocr_training.numerals import number
from ocr_training.variety import NONE, TRAINED, happens

_HAN = range(0x4E00, 0x9FFF)
_PAUSES = "， ， ， ， ， 、 、 。 。 ； ： ？ ！ —— / ·".split()
_BRACKETS = ("《》", "（）", "“”", "【】", "「」")
_UNITS = ("元 个 件 kg g ml L m cm 年 月 日 人 次 台 层 号 室 % 万元 页 条 位 分 点 天 ").split()
_PLACES = ("北京 上海 广州 深圳 杭州 南京 武汉 成都 西安 重庆 天津 苏州 青岛 长沙 厦门 ").split()
_ROADS = ("人民 中山 解放 建设 和平 文化 长江 黄河 新华 胜利 南京 延安 北京 朝阳 复兴 ").split()
_RECEIPT = (
    "TOTAL SUBTOTAL CASH CHANGE TAX GST RM QTY ITEM PRICE AMOUNT INVOICE NO DATE TIME "
    "TEL FAX CASHIER RECEIPT THANK YOU PLEASE COME AGAIN DISCOUNT ROUNDING SDN BHD "
    "JALAN TAMAN REG SALES MEMBER CARD VISA BALANCE DUE SERVICE CHARGE INCLUSIVE "
    "SUMMARY CODE UNIT KEDAI ENTERPRISE TRADING RESTAURANT MART COUNTER TABLE BILL "
    "PAX NET GROSS EXC INCL SR ZRL "
).split()
_INVOICE = (
    "发票代码 发票号码 开票日期 校验码 购买方 销售方 名称 纳税人识别号 地址 电话 开户行及账号 货物或应税劳务 规格型号 单位 数量 单价 金额 税率 税额 "
    "价税合计 大写 小写 收款人 复核 开票人 合计 小计 实收 找零 现金 支付宝 微信支付 订单号 商品 优惠 应付 会员 欢迎光临 谢谢惠顾 收银员 "
).split()


# Of what Chinese text is put together of, so many are single characters and no words: in training
# of those that words hold seldom, so that every class is seen; evaluation is to read what people
# write, where few characters are rare.
RARE = {False: 0.5, True: 0.03}
TRADITIONAL = {False: 0.1, True: 0.02}  # of Chinese texts
ENDED = 0.15  # of Chinese texts in training, so many end in a mark, as lines of a page do


class Corpus:
    """Draws texts. Evaluation (`held_out`) uses words that training never sees, and no strings
    of chance: on those Tesseract scored 30 points less than on real print.
    """

    def __init__(
        self,
        fonts_folder: Path,
        *,
        held_out: bool = False,
        characters: str = "",
        kept: Callable[[str], float] = lambda _: 1.0,
    ) -> None:
        """characters: if given, texts are drawn from these alone.
        kept: of the times that a Chinese character is drawn, how many reach the line.

        Raises FileNotFoundError when the English word list is missing (`make fonts`).
        """
        self._only, self._rare = characters, RARE[held_out]
        self._held_out_only = held_out
        known = set(alphabet.characters())
        self._traditional = _traditional(fonts_folder / "variants.json", known)
        words, weights = _chinese_words(1.0 if held_out else 0.75)
        mine = [i for i, word in enumerate(words) if _held_out(word) == held_out]
        self._words = [words[i] for i in mine]
        self._cumulative = list(itertools.accumulate(weights[i] for i in mine))
        english = _english_words(fonts_folder / "american-english", known)
        self._english = [word for word in english if _held_out(word) == held_out]
        self._frequent = _frequent_english(self._english)
        self._characters = alphabet.characters()
        self._han = [c for c in self._characters if ord(c) in _HAN]
        self._symbols = [c for c in self._characters if ord(c) not in _HAN and c != " "]
        self._rare_up_to: list[float] = []  # empty: all are drawn alike
        if self._rare and not held_out:
            chosen = [weights[i] for i in mine]
            seen = rare.in_words(self._words, chosen, self._traditional, TRADITIONAL[False])
            shares = rare.levelled(
                np.array([seen.get(c, 0.0) for c in self._han]),
                np.array([kept(c) for c in self._han]),
                self._rare,
            )
            self._rare_up_to = np.cumsum(shares).tolist()

    def text(self, rng: np.random.Generator, kind: str, length: int) -> str:
        """One line of about `length` characters, spaces never at the ends or doubled."""
        if self._only:
            return "".join(self._only[i] for i in rng.integers(len(self._only), size=length))
        if happens(rng, self._phrases(kind)):
            return " ".join(self._phrase(rng, kind).split())
        choice = rng.random()
        # Real print is English in 27 lines of 100, scans are seldom.
        chinese = 0.42 if self._held_out_only and kind == "print" else 0.54
        if kind == "photo" and choice < 0.40:
            text = self._receipt(rng) if rng.random() < 0.65 else self._invoice(rng)
        elif kind == "sign" and choice < 0.3:
            text = self._sentence(rng, min(length, 12))
        elif kind == "handwriting":
            text = self._chinese(rng, length) if choice < 0.8 else self._numbers(rng)
        elif choice < chinese:
            text = self._chinese(rng, length)
        elif choice < chinese + 0.1:
            text = self._mixed(rng, length)
        elif choice < 0.84:
            text = self._sentence(rng, length)
        elif choice < 0.93 or self._held_out_only:
            text = self._numbers(rng)
        else:
            text = self._uniform(rng, length)
        return " ".join(text.split())

    def traditional(self, text: str) -> str:
        """In traditional characters, where `make fonts` brought the table."""
        return text.translate(self._traditional)

    def _phrases(self, kind: str) -> float:
        return 0.0 if self._held_out_only else TRAINED.get(kind, NONE).phrases

    def _phrase(self, rng: np.random.Generator, kind: str) -> str:
        def chinese() -> str:
            return self._any_han(rng) if rng.random() < self._rare / 2 else self.word(rng)

        def english() -> str:
            return self.english_word(rng)

        roll = rng.random()
        if kind == "sign":
            if roll < 0.6:
                return phrases.notice(english, rng)
            return phrases.shop(chinese, rng) if roll < 0.92 else phrases.web(english, rng)
        if roll < 0.4:
            return phrases.bilingual(chinese, english, rng)
        if roll < 0.6:
            return phrases.labelled(chinese, rng)
        if roll < 0.75:
            return phrases.measure(chinese, rng)
        return phrases.enumeration(chinese, rng) if roll < 0.95 else phrases.web(english, rng)

    def _chinese(self, rng: np.random.Generator, length: int) -> str:
        """Words by frequency, and among them characters that words hold seldom.

        A share of the texts is in traditional characters, where `make fonts` brought the table.
        """
        parts: list[str] = []
        count = 0
        while count < length:
            part = self._any_han(rng) if rng.random() < self._rare else self.word(rng)
            parts.append(part)
            count += len(part)
            if count < length and rng.random() < 0.08:
                parts.append(_PAUSES[rng.integers(len(_PAUSES))])
                count += 1
        text = "".join(parts)[: max(1, length)]
        if self._traditional and rng.random() < TRADITIONAL[self._held_out_only]:
            text = self.traditional(text)
        if not self._held_out_only and rng.random() < ENDED:
            text += "，。。；、："[rng.integers(6)]
        roll = rng.random()
        if roll < 0.06:
            pair = _BRACKETS[rng.integers(len(_BRACKETS))]
            return f"{pair[0]}{text}{pair[1]}"
        if roll < 0.08:
            return f"【{text[:4]}】：{text[4:]}"
        if roll < 0.11:
            return f"{rng.integers(1, 30)}、{text}"
        return text

    def _mixed(self, rng: np.random.Generator, length: int) -> str:
        gap = " " if rng.random() < 0.5 else ""
        pieces: list[str] = []
        while sum(len(piece) for piece in pieces) < length:
            pieces.append(self._chinese(rng, int(rng.integers(1, 6))))
            pieces.append(self.english_word(rng) if rng.random() < 0.6 else number(rng))
        return gap.join(pieces)[: length + 6]

    def _sentence(self, rng: np.random.Generator, length: int) -> str:
        # Latin characters are half as wide as Chinese ones, and running text fills its line.
        count = max(1, (length if rng.random() < 0.5 else 5 * length // 2) // 5)
        words = [self.english_word(rng) for _ in range(rng.integers(1, count + 2))]
        style = rng.random()
        if style < 0.35:
            words[0] = words[0].capitalize()
        elif style < 0.5:
            words = [word.capitalize() for word in words]
        elif style < 0.72:
            words = [word.upper() for word in words]
        for i in range(len(words)):
            roll = rng.random()
            if roll < 0.07:
                words[i] += ",.;:!?"[rng.integers(6)]
            elif roll < 0.09:
                words[i] = f"({words[i]})" if rng.random() < 0.5 else f'"{words[i]}"'
            elif roll < 0.14:
                words[i] = number(rng)
            elif roll < 0.16:
                words[i] += "-" + self.english_word(rng)
        text = " ".join(words)
        return text + "." if rng.random() < 0.2 else text

    def _receipt(self, rng: np.random.Generator) -> str:
        words = []
        for _ in range(rng.integers(1, 6)):
            roll = rng.random()
            if roll < 0.4:
                words.append(_RECEIPT[rng.integers(len(_RECEIPT))])
            elif roll < 0.7:
                words.append(self.english_word(rng).upper())
            else:
                words.append(number(rng))
            if rng.random() < 0.12:
                words[-1] += ":.,-*#"[rng.integers(6)]
        return (" : " if rng.random() < 0.06 else " ").join(words)

    def _invoice(self, rng: np.random.Generator) -> str:
        label = _INVOICE[rng.integers(len(_INVOICE))]
        roll = rng.random()
        if roll < 0.3:
            return label
        colon = ("：", ":", " ", "")[rng.integers(4)]
        value = self._numbers(rng) if roll < 0.75 else self._chinese(rng, int(rng.integers(2, 10)))
        return label + colon + value

    def _numbers(self, rng: np.random.Generator) -> str:
        roll = rng.integers(8)
        if roll == 0:
            place, road = (_PLACES[rng.integers(len(_PLACES))], _ROADS[rng.integers(len(_ROADS))])
            return f"{place}市{road}路{rng.integers(1, 999)}号{rng.integers(1, 40)}层"
        if roll == 1:
            return f"{number(rng)}{_UNITS[rng.integers(len(_UNITS))]}"
        if roll == 2:
            return f"{self.word(rng)}{number(rng)}"
        return " ".join(number(rng) for _ in range(rng.integers(1, 4)))

    def _uniform(self, rng: np.random.Generator, length: int) -> str:
        pool = self._han if rng.random() < 0.6 else self._symbols
        return "".join(pool[i] for i in rng.integers(len(pool), size=min(length, 14)))

    def _any_han(self, rng: np.random.Generator) -> str:
        if not self._rare_up_to:
            return self._han[rng.integers(len(self._han))]
        point = rng.random() * self._rare_up_to[-1]
        return self._han[bisect.bisect_right(self._rare_up_to, point)]

    def word(self, rng: np.random.Generator) -> str:
        point = rng.random() * self._cumulative[-1]
        return self._words[bisect.bisect_right(self._cumulative, point)]

    def english_word(self, rng: np.random.Generator) -> str:
        pool = self._frequent if rng.random() < 0.35 else self._english
        return pool[rng.integers(len(pool))]


def _traditional(path: Path, known: set[str]) -> dict[int, str]:
    """For str.translate: simplified character to its first known traditional one. Empty where
    the table is missing, as in the small folder of the tests.
    """
    if not path.exists():
        return {}
    table: dict[str, list[str]] = json.loads(path.read_text(encoding="utf-8"))["traditional"]
    found = {key: [c for c in variants if c in known] for key, variants in table.items()}
    return {ord(key): variants[0] for key, variants in found.items() if variants}


@functools.cache
def _chinese_words(power: float) -> tuple[list[str], list[float]]:
    """Words of jieba's dictionary (MIT) of known characters, weight = frequency ** power.

    A power below 1 flattens the distribution, so that rare words are seen too.
    """
    known = {character for character in alphabet.characters() if ord(character) in _HAN}
    words, weights = [], []
    text = resources.files("jieba").joinpath("dict.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        word, count, *_ = line.split(" ")
        if len(word) <= 6 and known.issuperset(word):
            words.append(word)
            weights.append(max(1.0, float(count)) ** power)
    return words, weights


def _english_words(path: Path, known: set[str]) -> list[str]:
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing; run `make fonts`")
    words = path.read_text(encoding="utf-8").split()
    # A third of the list is possessives; a few are enough.
    few = (word for i, word in enumerate(words) if not word.endswith("'s") or i % 10 == 0)
    return [word for word in few if len(word) <= 14 and known.issuperset(word)]


def _frequent_english(words: list[str]) -> list[str]:
    """Short lower-case words: the list has no frequencies, and running text is mostly these."""
    return [word for word in words if len(word) <= 4 and word.islower()]


def _held_out(word: str) -> bool:
    """A fixed fiftieth of all words of two or more characters."""
    return len(word) > 1 and sum(ord(c) * (i + 7) for i, c in enumerate(word)) % 50 == 0
