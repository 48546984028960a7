"""How many lines a second a Triton reads here, and how long each takes: `ocrctl bench`."""
