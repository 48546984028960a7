"""`ocrctl rollout`: one module for the verbs that change something, one for each that looks.

| module | what it is |
|---|---|
| `acts` | start, approve, pause, resume, rollback, clear, set-weight: the command line of `orders` |
| `orders`, `commit`, `weights`, `server_check` | what is ordered, and compare-and-set on the store |
| `status`, `facts`, `figures`, `server_facts`, `screen` | what is known: gathered, counted, drawn |
| `history`, `plan`, `simulate` | the audit log; the plan; what it would do on made traffic |
| `review`, `review_screen` | what is put aside for people, and what they found |
| `export` | the store's tables for other programs |
| `notify_test` | a test message to who is told |
| `setting`, `options`, `words` | configuration and store; options; how things are called |

Packages above this one bring verbs of their own by the entry points `ocrctl.rollout`.
"""

from __future__ import annotations

import typer

from ocr_client.cli.app import RolloutVerbs

from . import acts, export, history, notify_test, plan, review, simulate, status

app = typer.Typer(
    name="rollout",
    cls=RolloutVerbs,
    help="Replace stable by a candidate, phase by phase.",
    no_args_is_help=True,
    add_completion=False,
)
app.command(name="plan")(plan.show)
app.command()(acts.start)
app.command()(status.status)
app.command()(acts.approve)
app.command()(acts.pause)
app.command()(acts.resume)
app.command()(acts.rollback)
app.command()(acts.clear)
app.command()(history.history)
app.command(name="set-weight")(acts.set_weight)
app.command()(simulate.simulate)
app.command()(export.export)
app.add_typer(review.app)
app.command(name="notify-test")(notify_test.notify_test)
