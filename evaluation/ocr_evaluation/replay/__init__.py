"""What the rollout would have said: images through both arms, and through the judge that is live.

| module | what it is |
|---|---|
| `sources` | where images come from: a folder, or the samples that a store has kept |
| `attempts` | one image through both arms, as a shadow would read it |
| `journal` | the attempts in a file, so that a stop costs nothing |
| `run` | reads what the journal lacks, with a bar |
| `images` | what each attempt counts as, and whose fault it was |
| `story` | the controller and the judge, image by image |
| `result`, `screen` | all of it as one record; on a terminal |
"""
