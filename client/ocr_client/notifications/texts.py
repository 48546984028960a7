"""A notice in words. Pure: what is said follows from the notice and the language alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from ocr_client.settings import Language
from ocr_rollout.core.notices import Notice
from ocr_rollout.core.state import AuditEntry

LONGEST_WHY: Final = 500  # characters; a person may give 1,000

_HEADS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {
        "phase": "{candidate} is in phase {phase} with {share} of the traffic",
        "gate": "{candidate} waits at the gate of phase {phase} ({share}): a person is to approve",
        "rollback": "{candidate} was rolled back, it had {before} of the traffic",
        "freeze": "frozen: {candidate} stays in phase {phase} with {share} of the traffic",
        "thaw": "no longer frozen: {candidate} goes on in phase {phase} with {share}",
        "completed": "completed: {candidate} has all of the traffic",
        "store_lost": "a process cannot reach the store; it goes on with the share it knows",
        "store_back": "the process reaches the store again",
        "test": "this is a test; nothing has happened",
    },
    "zh": {
        "phase": "{candidate} 进入第 {phase} 阶段，流量占比 {share}",
        "gate": "{candidate} 在第 {phase} 阶段（{share}）等待人工审批",
        "rollback": "{candidate} 已回滚，回滚前流量占比 {before}",
        "freeze": "已冻结：{candidate} 停留在第 {phase} 阶段，流量占比 {share}",
        "thaw": "已解除冻结：{candidate} 继续第 {phase} 阶段，流量占比 {share}",
        "completed": "已完成：{candidate} 承担全部流量",
        "store_lost": "有进程无法访问状态存储，暂按已知的流量占比继续服务",
        "store_back": "该进程已恢复访问状态存储",
        "test": "这是一条测试消息，没有发生任何变化",
    },
}
_LABELS: Final[Mapping[Language, Mapping[str, str]]] = {
    "en": {"why": "Why", "who": "By", "figures": "Figures", "at": "At", "link": "See", "id": "Id"},
    "zh": {
        "why": "原因",
        "who": "操作者",
        "figures": "数据",
        "at": "时间",
        "link": "详情",
        "id": "编号",
    },
}
_FIGURES: Final[Mapping[Language, str]] = {
    "en": "rule {rule}, observed {observed}, limit {limit}, samples {samples}",
    "zh": "规则 {rule}，实测 {observed}，上限 {limit}，样本 {samples}",
}
_COLONS: Final[Mapping[Language, str]] = {"en": ": ", "zh": "："}


def headline(notice: Notice, language: Language) -> str:
    """One line: which rollout, and what happened."""
    entry = notice.entry
    said = (
        _HEADS[language]
        .get(notice.event, notice.event)
        .format(
            candidate=entry.candidate,
            phase=entry.to_phase + 1,
            share=_percent(entry.to_weight_bp),
            before=_percent(entry.from_weight_bp),
        )
    )
    return f"[{entry.rollout_id}] {said}"


def body(notice: Notice, message_id: str, language: Language, public_url: str) -> str:
    """The headline and what people ask next, line by line."""
    entry, labels = notice.entry, _LABELS[language]
    facts = {
        "why": _clipped(entry.why),
        "who": entry.who,
        "figures": _figures(entry, language),
        "at": moment(entry.at_s).replace("T", " ").replace("Z", " UTC"),
        "link": public_url,
        "id": message_id,
    }
    lines = [f"{labels[key]}{_COLONS[language]}{text}" for key, text in facts.items() if text]
    return "\n".join([headline(notice, language), *lines])


def moment(at_s: float) -> str:
    """Unix time -> ISO 8601 in UTC, to the second. Never raises."""
    try:
        at = dt.datetime.fromtimestamp(at_s, dt.timezone.utc)
    except (OverflowError, ValueError, OSError):
        return ""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _figures(entry: AuditEntry, language: Language) -> str:
    if not entry.rule:
        return ""
    return _FIGURES[language].format(
        rule=entry.rule,
        observed=_number(entry.observed),
        limit=_number(entry.limit),
        samples=_number(entry.samples),
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _percent(weight_bp: int) -> str:
    return f"{weight_bp / 100:g} %"


def _clipped(text: str) -> str:
    return text if len(text) <= LONGEST_WHY else f"{text[: LONGEST_WHY - 1]}…"
