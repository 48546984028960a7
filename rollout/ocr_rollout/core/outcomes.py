"""What happened to one attempt on one arm, and whom it speaks against.

| outcome | what it is | speaks against the arm as |
|---|---|---|
| `ok` | a text | - |
| `empty` | an answer without any text | quality fault |
| `garbled` | an answer that cannot be what stands there (see `garbled`) | quality fault |
| `invalid_response` | an answer that is no text: missing outputs, wrong shapes | error |
| `server_error` | the model failed, or refused what its own configuration asks for | error |
| `timeout` | no answer before the arm's deadline, or its queue is full | error |
| `transport_error` | the connection broke under the attempt | error |
| `draining` | the model is being loaded, swapped or shut down by an operator | never |
| `client_fault` | the image cannot be read, the caller hung up | never |

A transport error is an error because a model can take its server down with it. Where the network
or the server is to blame, stable fails as well, and `common_cause` says so.

Draining and client faults are counted, so that they can be seen, but are no requests to the
judge: they are left out of both the numerator and the denominator.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

Outcome = Literal[
    "ok",
    "empty",
    "garbled",
    "invalid_response",
    "server_error",
    "timeout",
    "transport_error",
    "draining",
    "client_fault",
]

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
ERRORS: Final[frozenset[Outcome]] = frozenset(
    {"invalid_response", "server_error", "timeout", "transport_error"}
)
QUALITY_FAULTS: Final[frozenset[Outcome]] = frozenset({"empty", "garbled"})
NEVER: Final[frozenset[Outcome]] = frozenset({"draining", "client_fault"})

# Whose duration says how fast the arm is. A failure may be quick, and a broken model that fails
# in a millisecond is not a fast one; a timeout took at least its deadline.
TIMED: Final[frozenset[Outcome]] = frozenset({"ok", "empty", "garbled", "timeout"})


def counts_against(outcome: Outcome) -> Literal["error", "quality", "nothing", "never"]:
    """`never`: not even a request to the judge; `nothing`: a request that went well."""
    if outcome in ERRORS:
        return "error"
    if outcome in QUALITY_FAULTS:
        return "quality"
    return "never" if outcome in NEVER else "nothing"
