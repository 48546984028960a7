"""A process that reads lines through a client and ends: `client_process.py CONFIG NAME COUNT`."""

import sys

import numpy as np

from ocr_client import OCRClient
from ocr_rollout.runtime import member


def line(seed):
    pixels = np.full((32, 200), 255, np.uint8)
    for x in np.random.default_rng(seed).integers(4, 190, 12):
        pixels[6:26, x : x + 3] = 0
    return pixels


def main():
    member.CLOSE_S = 60.0  # on a busy machine, the last counts get to the store as well
    config, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with OCRClient.from_config(config) as client:
        arms = [str(client.recognize(line(n), user_id=f"{name}{n}").arm) for n in range(count)]
    print(" ".join(arms))


if __name__ == "__main__":
    main()
