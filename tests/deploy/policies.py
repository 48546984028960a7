"""What NetworkPolicies allow, by the rules of networking.k8s.io/v1, for labels and ports."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

OWN = "ocr"  # the namespace that the policies are in


@dataclasses.dataclass(frozen=True)
class Peer:
    """A pod: its own labels, and those of its namespace where that is another one."""

    labels: Mapping[str, str]
    namespace: Mapping[str, str] | None = None


def allowed(
    policies: Sequence[Mapping[str, Any]], source: Peer, target: Peer, port: int, protocol: str
) -> bool:
    """Both ends must agree. An end that no policy selects, or that is elsewhere, always does."""
    return _end(policies, target, source, port, protocol, "Ingress") and _end(
        policies, source, target, port, protocol, "Egress"
    )


def _end(
    policies: Sequence[Mapping[str, Any]],
    own: Peer,
    other: Peer,
    port: int,
    protocol: str,
    direction: str,
) -> bool:
    if own.namespace is not None:
        return True
    rules = [
        rule
        for policy in policies
        if direction in policy["spec"]["policyTypes"]
        and matches(policy["spec"]["podSelector"], own.labels)
        for rule in [None, *policy["spec"].get(direction.lower(), ())]
    ]
    if not rules:
        return True
    peers = {"Ingress": "from", "Egress": "to"}[direction]
    return any(
        rule is not None
        and any(_is_peer(peer, other) for peer in rule[peers])
        and any((it["port"], it["protocol"]) == (port, protocol) for it in rule["ports"])
        for rule in rules
    )


def _is_peer(peer: Mapping[str, Any], other: Peer) -> bool:
    if "namespaceSelector" in peer:
        if other.namespace is None or not matches(peer["namespaceSelector"], other.namespace):
            return False
    elif other.namespace is not None:
        return False
    return matches(peer.get("podSelector", {}), other.labels)


def matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """An empty selector selects everything."""
    unknown = set(selector) - {"matchLabels", "matchExpressions"}
    assert not unknown, unknown
    for expression in selector.get("matchExpressions", ()):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    wanted = selector.get("matchLabels", {})
    return all(labels.get(name) == value for name, value in wanted.items())
