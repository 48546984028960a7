"""ModelScope's gray, which its networks make of RGB themselves."""

from __future__ import annotations

RED, GREEN, BLUE = 0.2989, 0.5870, 0.1140

# The weights do not add up to one. A gray pixel g is (g, g, g) in RGB, so the networks were
# trained on 0.9999 g, and they shall see the same here.
GRAY = RED + GREEN + BLUE
