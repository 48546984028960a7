"""A process at a shared store, to be killed: `reviewing_process.py URL sample|review|claim NAME`.

sample: a client that reads ever new images and puts all of them aside, with image.
review: a reviewer who confirms and corrects what is put aside, and corrects himself.
claim: a reviewer who takes one sample and dies with it.
Prints one line when the first was done, by this process.
"""

import itertools
import os
import sys
import time

import numpy as np

from ocr_client import ClientConfig, OCRClient
from ocr_client.config import ModelRouting
from ocr_client.fake import FakeTransport
from ocr_client.reviews.desk import ReviewDesk
from ocr_client.reviews.settings import ReviewSettings
from ocr_client.settings import CANDIDATE, STABLE, StoreSettings
from ocr_rollout.stores import open_store

REVIEW = ReviewSettings(stable_bp=10_000, candidate_bp=10_000, keep_images=True, keep=100_000)


def sample(url, seed):
    config = ClientConfig(
        ModelRouting(candidate_weight_bp=5_000), store=StoreSettings(url), review=REVIEW
    )
    chance = np.random.default_rng(int(seed))
    with OCRClient(config, transport=FakeTransport({STABLE: "one", CANDIDATE: "two"})) as client:
        store = open_store(url)
        enough = len(store.samples(0, 1e12, 100_000)) + 5  # of others, and some of ours
        for k in itertools.count():
            client.recognize(chance.integers(0, 256, (32, 64), np.uint8), user_id=f"u{k}")
            if k == 10:
                while len(store.samples(0, 1e12, enough)) < enough:
                    time.sleep(0.01)
                print("at work", flush=True)


def review(url, name):
    desk = ReviewDesk(open_store(url), "ocr-rollout", REVIEW)
    for done in itertools.count():
        task = desk.next(name)
        if task is None:
            time.sleep(0.005)
            continue
        desk.confirm(task.sample_id, by=name, kind="print")
        desk.review(task.sample_id, "other", by=name, kind="scan")
        if done == 3:
            print("at work", flush=True)


def claim(url, name):
    assert ReviewDesk(open_store(url), "ocr-rollout", REVIEW).next(name) is not None
    print("at work", flush=True)
    os._exit(9)


if __name__ == "__main__":
    {"sample": sample, "review": review, "claim": claim}[sys.argv[2]](sys.argv[1], sys.argv[3])
