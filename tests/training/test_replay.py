"""Hard lines come back in full batches, in the share asked for; easy and hopeless ones do not."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from ocr_preprocessing.spec import LineSpec
from ocr_training.batches import collate
from ocr_training.lines import MadeLine
from ocr_training.replay import HOPELESS, LEARNT, TRIES, Replay

SPEC = LineSpec()
COLUMNS = 4 * 128  # four lines of 128 columns in a batch
HARD = (LEARNT + HOPELESS) / 2


def batch(*texts, width=120):
    lines = []
    for text in texts:
        edges = np.linspace(0, width, len(text) + 1)
        spans = np.stack([edges[:-1], edges[1:]], axis=1).astype(np.float32)
        lines.append(
            MadeLine(np.full((32, width), int(text) % 256, np.uint8), text, "print", spans)
        )
    return collate(lines, SPEC)


def batches(first=10, width=120):
    for start in itertools.count(first, 4):
        yield batch(*map(str, range(start, start + 4)), width=width)


def drill(replay, steps, loss, fresh=None):
    """`steps` batches of which every line has the loss that `loss(text)` says."""
    seen = []
    for one in itertools.islice(replay.between(fresh or batches()), steps):
        replay.note(one, torch.tensor([loss(text) for text in one.texts]))
        seen.append(one)
    return seen


def test_hard_lines_come_back_with_their_own_truth():
    replay = Replay(0.5, seed=1, columns=COLUMNS)
    again = [one for one in drill(replay, 60, lambda _: HARD) if one.tries]
    assert again
    for one in again:
        assert len(one.texts) == 4
        assert one.lines[:, 0, 0, 0].tolist() == [int(text) % 256 for text in one.texts]
        fresh = batch(*one.texts)
        assert torch.equal(one.lines, fresh.lines)
        assert torch.equal(one.targets, fresh.targets)
        assert torch.equal(one.lengths, fresh.lengths)
        assert torch.equal(one.frames, fresh.frames)


@pytest.mark.parametrize("loss", [LEARNT / 2, HOPELESS + 1, float("inf"), float("nan"), 0.0])
def test_what_is_learnt_or_beyond_reading_stays_away(loss):
    """A line longer than its steps has a loss of 0 or infinity, and is no lesson either."""
    replay = Replay(0.5, seed=1, columns=COLUMNS)
    assert not any(one.tries for one in drill(replay, 40, lambda _: loss))
    assert len(replay) == 0


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4])
def test_the_share_is_of_all_batches(share):
    replay = Replay(share, seed=3, columns=COLUMNS)
    seen = drill(replay, 1_500, lambda _: HARD)
    assert np.mean([bool(one.tries) for one in seen]) == pytest.approx(share, abs=0.03)


def test_the_hardest_come_first_and_the_easiest_make_room():
    replay = Replay(0.3, seed=1, columns=COLUMNS, capacity=8)
    for one in itertools.islice(batches(100), 5):
        replay.note(one, torch.tensor([LEARNT + int(text) / 100 for text in one.texts]))
    assert len(replay) == 8, "of 20"
    fresh = (batch("1", "2", "3", "4") for _ in itertools.count())
    again = next(one for one in replay.between(fresh) if one.tries)
    assert again.texts == ["119", "118", "117", "116"]
    assert [kept["text"] for kept in replay.state()["kept"]] == ["112", "113", "114", "115"]


def test_a_line_is_given_up_after_some_tries():
    replay = Replay(0.9, seed=2, columns=COLUMNS)
    fresh = itertools.chain([batch("11", "12", "13", "14")], itertools.repeat(batch("1")))
    seen = drill(replay, 80, lambda text: HARD if len(text) == 2 else 0.0, fresh)
    assert [one.tries for one in seen if one.tries] == [[n] * 4 for n in range(1, TRIES + 1)]
    assert len(replay) == 0


def test_widths_are_not_mixed():
    replay = Replay(0.5, seed=1, columns=COLUMNS)
    pairs = zip(batches(10), batches(10, width=250), strict=False)
    seen = drill(replay, 80, lambda _: HARD, (one for pair in pairs for one in pair))
    sizes = {(one.lines.shape[3], len(one.texts)) for one in seen if one.tries}
    assert sizes == {(128, 4), (256, 2)}


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    whole = Replay(0.4, seed=5, columns=COLUMNS)
    drill(whole, 40, lambda text: LEARNT + int(text) / 100)
    torch.save(whole.state(), tmp_path / "state.pt")
    rest = Replay(0.4, seed=5, columns=COLUMNS)
    rest.load(torch.load(tmp_path / "state.pt", weights_only=True))
    assert len(rest) == len(whole) > 0
    for mine, theirs in zip(
        drill(whole, 30, lambda _: HARD, batches(500)),
        drill(rest, 30, lambda _: HARD, batches(500)),
        strict=True,
    ):
        assert mine.texts == theirs.texts
        assert torch.equal(mine.lines, theirs.lines)


@pytest.mark.parametrize("share", [-0.1, 1.0, 2.0])
def test_what_is_no_share_is_refused(share):
    with pytest.raises(ValueError, match="replay share"):
        Replay(share, seed=1, columns=COLUMNS)
