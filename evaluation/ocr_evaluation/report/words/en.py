"""English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TEXTS: Final[Mapping[str, str]] = {
    # head
    "title": "Gate report: {rollout}",
    "made": "Made {when} ({zone}) from {store}, generation {generation}, by ocr-rollout {version}",
    "arms": "{candidate} is to replace {stable}: {status}.",
    "status.running": "running",
    "status.waiting": "waits for a person",
    "status.paused": "paused",
    "status.frozen": "frozen",
    "status.rolled_back": "rolled back",
    "status.completed": "completed",
    "ask.next": "Gate {gate} of {gates}: shall {candidate} go from {from_} to {to} of the traffic?",
    "ask.last": "Gate {gate} of {gates}: shall {candidate} have all of the traffic, and the rollout"
    " be complete?",
    "ask.none": "No decision is asked: the rollout is {status}.",
    "ask.plan": "No gate can be named: {config} has another plan than the rollout under way.",
    "ask.aim": "This phase was to show: {aim}.",
    "ask.auto": "This gate is automatic: it opens by itself once nothing is missing.",
    "ask.impact": "At the traffic of this phase some {more:,} requests more a day would be read by"
    " {candidate}.",
    "do.go": "The figures support going on",
    "do.go_open": "The figures support going on, with open points",
    "do.hold": "Do not go on yet",
    "do.back": "Take the candidate back",
    "do.none": "Nothing is to be decided",
    "why.go": "Nothing blocks. Read what speaks against it and what is not known before you sign.",
    "why.hold": "Points that block it: {n}. They are marked below.",
    "why.hold_running": "The phase is still under way; the gate is not reached.",
    "why.back": "The judge has tripped; a running client writes the rollback. Make sure one runs,"
    " or order it by hand.",
    "why.back_freeze": "The judge has tripped; by the plan it freezes the rollout and calls a person: order"
    " the rollback by hand.",
    "why.none": "It ended with: {why}",
    "section.against": "What speaks against it",
    "section.unknown": "What is not known",
    "section.good": "What speaks for it",
    "none.against": "Nothing that was measured.",
    "none.unknown": "Nothing that this report looks for.",
    "none.good": "Nothing.",
    "blocks": "blocks",
    "section.orders": "To carry it out",
    "order.approve": "approve",
    "order.pause": "wait, and keep the share",
    "order.rollback": "take it back",
    # what speaks against it
    "point.tripped": "{rule}: the judge takes the candidate back: {why}",
    "point.common_cause": "Both arms fail at once, so nobody is blamed and the share stays: {why}",
    "point.rule": "{rule}: {why}",
    "point.rule_shown": "{rule} (shown only, in mode literal): {why}",
    "point.other_plan": "{config} has another plan ({plan}): its limits are not those of this"
    " rollout.",
    "point.disabled": "{config} switches the candidate off: clients with it send it nothing.",
    "point.paused": "The rollout is paused: {why}",
    "point.frozen": "The rollout is frozen: {why}",
    "point.by_hand": "The share of {share:.2%} was set by hand; the plan has another one.",
    "point.reviews_against": "People found fewer of its lines right: {value:+.1%} against stable (95"
    " %: {low:+.1%} to {high:+.1%}; n {n:,}).",
    "point.reviews_unknown": "By people's reviews it is not known which arm reads better: {value:+.1%}"
    " lines right against stable (95 %: {low:+.1%} to {high:+.1%}; n {n:,}).",
    "point.reviews_good": "People found more of its lines right: {value:+.1%} against stable (95 %:"
    " {low:+.1%} to {high:+.1%}; n {n:,}).",
    "point.disputes_against": "Where the arms differ, stable is right more often: {value:+.1%} over all"
    " images (95 %: {low:+.1%} to {high:+.1%}; {n:,} disputes reviewed).",
    "point.disputes_unknown": "Disputed images do not tell which arm reads better: {value:+.1%} over all"
    " images (95 %: {low:+.1%} to {high:+.1%}; {n:,} disputes reviewed).",
    "point.disputes_good": "Where the arms differ, it is right more often: {value:+.1%} over all images"
    " (95 %: {low:+.1%} to {high:+.1%}; {n:,} disputes reviewed).",
    "point.margin": "A loss beyond the margin of {margin:.1%} is not ruled out (down to {low:+.1%}).",
    "point.kind_worse": "On {kind} people found it worse: {value:+.1%} lines right (95 %: {low:+.1%} to"
    " {high:+.1%}; n {n:,}). Of many kinds, one may look so by chance.",
    "point.ab_against": "A/B test: {why}",
    "point.ab_unknown": "A/B test: {why}",
    "point.ab_good": "A/B test: {why}",
    "point.ab_kind_worse": "A/B test, {kind}: 1-CER {value:+.4f} against stable (p = {p:.2g}, n {n:,})."
    " Of many kinds, one may look so by chance.",
    "point.pairs_worse": "On {candidate:,} of {n:,} images that both read, the candidate alone answered"
    " with nothing, nonsense or an error; stable alone on {stable:,} (chance alone does as much with p"
    " = {p:.2g}).",
    "point.slower": "It is slower: p95 {candidate:,.0f} ms, stable {stable:,.0f} ms ({times:.2f} times).",
    "point.complaints": "Users said of {wrong:,} of its answers that they are wrong, of {right:,} that"
    " they are right.",
    # what is not known
    "point.unmeasured": "{rule} could not be measured: {why}",
    "point.undecided": "{rule}: too little was seen to decide: {why}",
    "point.undecided_many": "Too little was seen to decide by {n} rules: {rules}.",
    "point.missing": "The plan asks for more: {what}",
    "point.texts_unknown": "NOBODY HAS CHECKED A TEXT: whether the candidate reads right is not known."
    " Errors and latency do not tell. Review lines, or give an A/B test (--ab DIR).",
    "point.texts_few": "Too few texts were checked to know whether the candidate reads right: {lines:,}"
    " lines of each arm and {disputes:,} disputes, of {least} at least.",
    "point.kinds_thin": "Fewer than {least} reviewed lines of one arm: {kinds}.",
    "point.no_ab": "No A/B test was given (--ab DIR): no kind of image was read by both arms on purpose.",
    "point.ab_empty": "The A/B test compared nothing: {why}",
    "point.ab_partial": "The A/B test is not complete: {n:,} of {all:,} labelled lines were compared.",
    "point.no_shadow": "No image was read by both arms in this epoch (shadow.share): how often their"
    " texts differ is not known.",
    "point.unreadable": "Samples could not be read, so neither disagreements nor confidence are shown:"
    " {why}",
    "point.no_disputes": "The arms read {n:,} images differently, and none was kept (review.disputes):"
    " what the differences are is not known.",
    "point.no_pictures": "No picture of a disagreement was kept (review.keep_images): which text is"
    " right cannot be seen here.",
    "point.nothing_counted": "NOTHING WAS COUNTED of the candidate in this epoch.",
    "point.no_limit": "By the plan no number of errors is too many (limit {limit:.0%}): nobody is warned of any.",
    "point.power_none": "With {n:,} requests the judge would not surely have noticed any error rate.",
    "point.power": "With {n:,} requests the judge would have noticed a true error rate of {rate:.1%}"
    " or more in 95 of 100 such rollouts; lower ones, above the limit of {limit:.1%} too, not surely.",
    "point.old": "The candidate's last request was counted {hours:.1f} hours ago: these figures are old.",
    "point.very_old": "The candidate's last request is more than a week ago: these figures are old.",
    # what speaks for it
    "point.passed": "{n} of {all} rules of the judge found nothing against it, with enough seen.",
    "point.proved": "{errors:,} of {n:,} requests failed: with 95 %, at any number of looks, its true"
    " share of errors is below the limit of {limit:.1%}.",
    "point.as_quick": "It is not slower: p95 {candidate:,.0f} ms, stable {stable:,.0f} ms.",
    # verdicts
    "section.verdicts": "What the judge says, rule by rule",
    "verdicts.about": "Each rule looks at the counts of this epoch (since the share last changed); only"
    " “nothing against it” is a success. Limits are those of {config}.",
    "verdicts.idle": "In mode literal only “{rule}” may take the candidate back.",
    "verdict.PASS": "nothing against it",
    "verdict.FAIL": "speaks against it",
    "verdict.INCONCLUSIVE": "too little seen",
    "verdict.ERROR": "not measured",
    "head.rule": "rule",
    "head.says": "says",
    "head.observed": "observed",
    "head.limit": "limit",
    "head.n": "n",
    "head.why": "in numbers",
    "head.reason": "why",
    "rule.share": "Errors among the last requests",
    "rule.early": "Errors since the phase began",
    "rule.late": "Errors that rise late",
    "rule.quality": "Empty and garbled texts, against stable's",
    "rule.quality_pairs": "Empty and garbled texts on the same images",
    "rule.latency": "Latency against its limit",
    "rule.latency_ratio": "Latency against stable's",
    "rule.review": "Accuracy as reviewers found it",
    "rule.advance": "Proof that errors are few",
    "rule.common_cause": "Both arms fail at once",
    # counts
    "section.counts": "What both arms did in this phase",
    "counts.about": "Since the share last changed. Intervals: 95 %, Wilson. Latencies are upper edges of"
    " bins 9 % wide.",
    "head.stable": "stable {arm}",
    "head.candidate": "candidate {arm}",
    "head.shadow": "candidate, shadow",
    "row.requests": "requests",
    "row.errors": "errors",
    "row.empty": "empty texts",
    "row.garbled": "garbled texts",
    "row.p50": "p50, at most",
    "row.p95": "p95, at most",
    "row.p99": "p99, at most",
    "plot.errors": "Share of errors",
    "plot.errors_about": "Each point: {least} requests or more. Dotted, upright: steps of the"
    " rollout.",
    "plot.weighed": "The evidence, as the judge weighs it",
    "plot.weighed_about": "Evidence against the candidate takes it back at {against:g}; proof that its"
    " errors are below {limit:.1%} is complete at {proof:g}. The scale ends at 0.001 and 10,000.",
    "plot.latency": "Latency of requests, this phase",
    "plot.latency_about": "Share of the requests by duration, in bins 9 % wide; vertical: p95.",
    "plot.agreement": "Same text, of the images that both arms read",
    "plot.agreement_about": "Shadow; after NFKC, without white space. {pairs:,} pairs in this epoch,"
    " {fine:,} read well by both.",
    "plot.power": "How surely the judge would have noticed by now",
    "plot.power_about": "Share of {rollouts} made rollouts per true error rate that the judge's own rules"
    " for errors end within {n:,} candidate requests, failing at that rate from the start.",
    "plot.kinds": "Lines right, by kind",
    "plot.reliability": "Can its confidence be believed?",
    "plot.reliability_about": "Lines by confidence against the share of them read whole, 95 % (Wilson);"
    " on the diagonal confidence is honest. Bins of fewer than {least} are left out. {source}",
    "axis.time": "time ({zone})",
    "axis.ms": "milliseconds",
    "axis.rate": "true error rate",
    "axis.confidence": "confidence",
    "axis.right": "read whole",
    "line.stable": "stable",
    "line.candidate": "candidate",
    "line.limit": "limit {limit}",
    "line.against": "against the candidate",
    "line.proof": "proof that it is good",
    "line.same": "same text",
    "line.surely": "95 % at {rate}",
    "none.plot.errors": "NOT KNOWN: no request was counted in the last week of this rollout.",
    "none.plot.weighed": "NOT KNOWN: no request of the candidate was counted in this epoch.",
    "none.plot.latency": "NOT KNOWN: no request of both arms was timed in this epoch.",
    "none.plot.agreement": "NOT KNOWN: no image was read well by both arms (shadow.share).",
    "none.plot.power": "NOT KNOWN: nothing was counted, or no number of errors is too many.",
    "none.plot.kinds": "NOT KNOWN: nobody has reviewed a line, and no A/B test was given.",
    "none.plot.reliability": "NOT KNOWN: fewer than {least} reviewed lines of like confidence are kept,"
    " and no A/B test was given.",
    # accuracy
    "section.accuracy": "Do people find its texts right?",
    "accuracy.about": "Reviewed by people who did not see which arm had answered; all phases of this"
    " rollout; {n:,} reviews. Texts are compared after {normalisation}. Intervals: 95 %. A kind needs some"
    " {least} lines to say anything.",
    "accuracy.none": "NOT KNOWN: nobody has reviewed a line of this rollout. `review:` in the"
    " configuration draws lines; people check them on the page Review.",
    "head.kind": "kind",
    "head.lines_stable": "lines right, stable",
    "head.lines_candidate": "lines right, candidate",
    "head.difference": "candidate - stable",
    "head.cer_stable": "1-CER, stable",
    "head.cer_candidate": "1-CER, candidate",
    "row.all": "all",
    "kind.unsaid": "not said",
    "accuracy.disputes": "Disputes: {pairs:,} images that the arms read differently were reviewed. The"
    " candidate alone was right in {candidate:,}, stable alone in {stable:,}, neither in {neither:,}.",
    "accuracy.feedback": "Users said, unasked: {said}. Who is content rarely says so, so these are no"
    " shares.",
    "feedback.one": "{role} {wrong:,} wrong, {right:,} right",
    "section.ab": "A/B test on labelled images",
    "ab.about": "{dataset}, {when} UTC; n: lines that every arm has read. Texts are compared after"
    " {normalisation}. Difference: paired bootstrap, 95 %; p: exact sign-flip test.",
    "head.p": "p",
    "more.kinds": "and {n:,} kinds more, in report.json",
    "source.ab": "From the A/B test.",
    "source.reviews": "From reviewed lines.",
    "calibration.line": "{arm}: n {n:,}, calibration error {error:.3f}, tells right from wrong in {auroc}",
    # disputes
    "section.disputes": "The {n} worst disagreements",
    "section.disputes_none": "The worst disagreements",
    "disputes.about": "Of {kept:,} kept, those with the largest share of different characters. Marked:"
    " {changed}, {missing}, {added}. White space does not count; what was read alike several times is"
    " shown once.",
    "disputes.none": "NOT KNOWN: no image that the arms read differently was kept.",
    "disputes.equal": "None: the arms read all {n:,} images alike.",
    "disputes.off": "Left out, as ordered (--disagreements 0); {kept:,} are kept.",
    "mark.changed": "changed",
    "mark.missing": "only stable",
    "mark.added": "only candidate",
    "dispute.no_picture": "no picture was kept",
    "dispute.alt": "picture {n} that both arms read",
    "dispute.empty": "(no text)",
    "dispute.edits": "edits: {n:,} ({share:.0%} of the characters)",
    "dispute.times": "read so {n:,} times",
    "dispute.truth": "a reviewer says: {text}",
    "dispute.unseen": "nobody has reviewed it",
    "dispute.right_candidate": "the candidate is right",
    "dispute.right_stable": "stable is right",
    "dispute.right_none": "neither is right",
    "edit.changed": "{stable} → {candidate}",
    "edit.missing": "− {stable}",
    "edit.added": "+ {candidate}",
    "edit.more": "and {n} more",
    "head.pairs": "images that both arms read (shadow, this epoch)",
    "pairs.all": "read by both",
    "pairs.fine": "read well by both",
    "pairs.equal": "of these, the same text",
    "pairs.distance": "of these, mean share of different characters",
    "pairs.candidate": "bad by the candidate alone",
    "pairs.stable": "bad by stable alone",
    "pairs.both": "bad by both",
    # since
    "section.since": "What changed since the last gate",
    "since.first": "This is the first phase: there was no gate before it. Started {when} by {who}: {why}",
    "since.gate": "The last gate was passed {when} by {who}: {why}",
    "since.unknown": "NOT KNOWN: the log no longer tells when this phase began.",
    "since.no_before": "NOT KNOWN: the counts of the phase before are no longer kept.",
    "since.reviewed": "{n:,} reviews since then.",
    "since.steps": "Since then:",
    "since.no_steps": "Nobody has done anything since then.",
    "head.before": "{arm}, phase {phase} ({share})",
    "head.now": "{arm}, now ({share})",
    "row.bad": "empty or garbled",
    "row.same": "same text as the other arm",
    "head.when": "when ({zone})",
    "head.who": "who",
    "head.action": "what",
    "head.way": "from -> to",
    # sure
    "section.sure": "How sure can one be at this n?",
    "sure.head_rate": "true error rate",
    "sure.head_chance": "noticed by now",
    "sure.capped": "(Simulated for {n:,} of {all:,} requests: with all of them it is surer.)",
    "sure.reviews": "Texts: at {n:,} reviewed lines of each arm the candidate's share of lines right less"
    " stable's lies between {low:+.1%} and {high:+.1%} (95 %).",
    "sure.no_reviews": "Texts: NOT KNOWN, for too few were reviewed.",
    # foot
    "section.about": "About this report",
    "about.personal": "It holds {texts:,} texts and {pictures:,} pictures of users, and is not deleted by"
    " `ocrctl rollout review delete`: keep it as you keep those, or make it with --disagreements 0.",
    "about.nothing_personal": "It holds no text and no picture of a user.",
    "about.look": "Intervals hold for one look; the judge's rules hold however often one looks.",
    "about.files": "report.json has every figure of it; report.md the same without drawings.",
    "about.share": "Recommendation and points are made by fixed rules, from these figures alone: a person"
    " decides.",
}
