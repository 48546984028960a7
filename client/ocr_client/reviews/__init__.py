"""Review by hand: answers put aside for people to check, and what they say as evidence.

| module | what it is |
|---|---|
| `settings` | the `review:` section |
| `samples`, `people`, `pictures` | what is put aside: documents, users as hashes, images |
| `sampler` | putting aside, off the response path; part of `OCRClient` |
| `tasks`, `desk` | who looks at what, and what they say: `ReviewDesk` |
| `feedback` | what users say without being asked: `FeedbackBox` |
| `accuracy` | the findings as figures |

Import names from the modules: the client needs the sampler, and only reviewers the rest.
"""
