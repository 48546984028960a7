"""The report for the people at the gate: `ocrctl rollout report`.

| module | what it is |
|---|---|
| `evidence` | reads and counts all that is known; `since`, `course`, `ab_file`, `pictures`, `marking` its parts |
| `points`, `decision` | what speaks for it, against it, and is not known; what may be recommended |
| `document`, `head`, `people`, `disputes`, `counts` | the report as `blocks`, section by section |
| `words` | every sentence, by language |
| `plots`, `drawing` | the drawings, as SVG: the only modules that need matplotlib |
| `html`, `markdown` | the blocks as a page and as text |
| `files`, `cli` | written all together or not at all; the verb |
"""
