"""The rules by which fields are found, read from YAML; mistakes are refused with rule and line."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
from pathlib import Path
from typing import Any, Final, Literal, get_args

import yaml

from .labels import Label
from .regexes import compiled

Kind = Literal["text", "number", "date", "amount"]
Where = Literal["same", "right", "below", "foot", "anywhere", "top"]
Pick = Literal["first", "last", "largest"]
SHIPPED: Final = Path(__file__).with_name("receipts.yaml")
MOST_RULES: Final = 100
MOST_LABELS: Final = 50
MOST_BYTES: Final = 256 * 1024
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KEYS: Final = ("name", "labels", "not", "others", "value", "kind", "where", "pick")


class RulesError(ValueError):
    """One line: the file, the line in it, the rule, and what is accepted."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """See `receipts.yaml`. unless: labels of a line that is none of this field. others: labels
    whose values are none of it either.
    """

    name: str
    labels: tuple[Label, ...]
    unless: tuple[Label, ...]
    others: tuple[Label, ...]
    value: re.Pattern[str]
    kind: Kind
    where: tuple[Where, ...]
    pick: Pick


@dataclasses.dataclass(frozen=True)
class FieldRules:
    """any_of: names; of a page without all of them nothing is said. Empty: of any page."""

    rules: tuple[Rule, ...]
    any_of: tuple[str, ...] = ()


NO_RULES: Final = FieldRules(())


@functools.cache
def shipped() -> FieldRules:
    return load(SHIPPED)


def load(path: str | os.PathLike[str]) -> FieldRules:
    """Raises RulesError."""
    name = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RulesError(f"{name}: {reason.lower()}") from None
    if len(content) > MOST_BYTES:
        raise RulesError(f"{name}: larger than {MOST_BYTES // 1024} kB")
    try:
        node = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise RulesError(f"{name}{line}: not YAML ({getattr(error, 'problem', error)})") from None
    except RecursionError:
        raise RulesError(f"{name}: nested too deeply") from None
    return _Reader(name).rules(node)


class _Reader:
    """Walks the document's nodes, which know their lines."""

    def __init__(self, file: str) -> None:
        self._file = file

    def rules(self, node: yaml.Node | None) -> FieldRules:
        top = self._mapping(node, "the document", ("fields", "any_of"))
        if "fields" not in top:
            raise self._error(node, "the document", "has no list `fields`")
        items = top["fields"]
        if not isinstance(items, yaml.SequenceNode) or not 0 < len(items.value) <= MOST_RULES:
            raise self._error(items, "fields", f"a list of 1 to {MOST_RULES} rules is accepted")
        rules = tuple(self._rule(item, n) for n, item in enumerate(items.value, 1))
        names = {rule.name for rule in rules}
        any_of = self._texts(top["any_of"], "any_of") if "any_of" in top else ()
        for name in any_of:
            if name not in names:
                raise self._error(top["any_of"], "any_of", f"no rule is called {name!r}")
        return FieldRules(rules, any_of)

    def _rule(self, node: yaml.Node, number: int) -> Rule:
        where = f"rule {number}"
        keys = self._mapping(node, where, _KEYS)
        for key in ("name", "value"):
            if key not in keys:
                raise self._error(node, where, f"has no {key}")
        name = self._text(keys["name"], where)
        if not _NAME.fullmatch(name):
            raise self._error(
                keys["name"], where, f"name: {name!r}: a to z, 0 to 9 and _ are accepted"
            )
        where = f"rule {number} ({name})"
        try:
            value = compiled(self._text(keys["value"], where))
        except ValueError as error:
            raise self._error(keys["value"], where, f"value: {error}") from None
        labels = self._labels(keys.get("labels"), where)
        default = ("same", "right", "below") if labels else ("anywhere",)
        places = self._texts(keys["where"], where) if "where" in keys else default
        found = Rule(
            name,
            labels,
            self._labels(keys.get("not"), where),
            self._labels(keys.get("others"), where),
            value,
            self._word(keys.get("kind"), f"{where}: kind", get_args(Kind), "text"),
            tuple(
                self._one_of(keys["where"], f"{where}: where", get_args(Where), one)
                for one in places
            )
            if "where" in keys
            else places,  # type: ignore[arg-type]  # words of ours
            self._word(keys.get("pick"), f"{where}: pick", get_args(Pick), "first"),
        )
        if not labels and not {"anywhere", "top"} & set(found.where):
            raise self._error(node, where, "has no labels; name some, or where: [anywhere]")
        return found

    def _labels(self, node: yaml.Node | None, where: str) -> tuple[Label, ...]:
        if node is None:
            return ()
        texts = self._texts(node, where)
        if len(texts) > MOST_LABELS:
            raise self._error(node, where, f"more than {MOST_LABELS} labels")
        labels = tuple(map(Label.of, texts))
        if not all(label.letters for label in labels):
            raise self._error(node, where, "a label without letters")
        return labels

    def _mapping(
        self, node: yaml.Node | None, where: str, known: tuple[str, ...]
    ) -> dict[str, yaml.Node]:
        if not isinstance(node, yaml.MappingNode):
            raise self._error(node, where, f"a mapping with {', '.join(known)} is accepted")
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value not in known:
                raise self._error(
                    key, where, f"unknown key {key.value!r}; accepted: {', '.join(known)}"
                )
            if key.value in found:
                raise self._error(key, where, f"{key.value} stands there twice")
            found[key.value] = value
        return found

    def _texts(self, node: yaml.Node, where: str) -> tuple[str, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise self._error(node, where, "a list is accepted")
        return tuple(self._text(one, where) for one in node.value)

    def _text(self, node: yaml.Node, where: str) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
            raise self._error(node, where, "a text is accepted")
        return str(node.value)

    def _word(
        self, node: yaml.Node | None, where: str, known: tuple[str, ...], default: str
    ) -> Any:
        return (
            default if node is None else self._one_of(node, where, known, self._text(node, where))
        )

    def _one_of(self, node: yaml.Node, where: str, known: tuple[str, ...], word: str) -> Any:
        if word not in known:
            raise self._error(
                node, where, f"{word!r} is not accepted; accepted: {', '.join(known)}"
            )
        return word

    def _error(self, node: yaml.Node | None, where: str, text: str) -> RulesError:
        line = f", line {node.start_mark.line + 1}" if node is not None else ""
        return RulesError(f"{self._file}{line}: {where}: {text}")
