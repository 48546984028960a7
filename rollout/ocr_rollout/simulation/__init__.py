"""What a plan would do, on made traffic and with a seed: the judge's own code, many times over."""
