"""Made images: the same for the same seed, labelled with what is on them and what was done to them."""

import base64
import collections
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")

from ocr_evaluation.labels import load
from ocr_evaluation.made import chance
from ocr_evaluation.made.digest import digest
from ocr_evaluation.made.kinds import KINDS, SHARES, WORDS
from ocr_evaluation.made.picture import PictureMaker
from ocr_export import alphabet
from ocr_preprocessing.load import load_image
from ocr_training.dataset import write_labelled

FONTS = Path(__file__).parents[2] / "build" / "fonts-small"
FIXTURE = Path(__file__).parent / "five_by_hundred.json"
SEED = 1
CELLS = (8, 2)  # columns and rows of what an image looks like from afar
NEAR = 3  # gray levels that such a cell may differ by, on another processor


@pytest.fixture(scope="module")
def maker():
    assert (FONTS / "fonts.json").exists(), "run `make test`, which fetches the fonts"
    return PictureMaker(FONTS)


@pytest.fixture(scope="module")
def five(maker, tmp_path_factory):
    """The set of five kinds, 100 images each."""
    folder = tmp_path_factory.mktemp("made") / "five"
    write_labelled(maker.pictures(KINDS, 100, SEED), folder)
    return load(folder)


def gray(content):
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)


def looks(content):
    """From afar, where rounding in another processor's vector unit does not show."""
    return cv2.resize(gray(content), CELLS, interpolation=cv2.INTER_AREA)


def packages():
    found = json.loads((FONTS / "fonts.json").read_text(encoding="utf-8"))
    return {package["name"]: package["sha256"] for package in found}


def described(dataset):
    """What the fixture holds. labels: everything but pixels is the same on every processor."""
    contents = [(dataset.folder / line.file).read_bytes() for line in dataset.lines]
    rows = (dataset.folder / "labels.tsv").read_text(encoding="utf-8")
    sizes = "".join(f"{gray(content).shape}" for content in contents)
    return {
        "fonts": packages(),
        "labels_and_sizes": hashlib.sha256((rows + sizes).encode()).hexdigest(),
        "looks": base64.b64encode(b"".join(looks(one).tobytes() for one in contents)).decode(),
    }


def test_the_set_of_the_seed_is_the_one_of_the_fixture(five):
    """To write it anew after a change that is meant: `python tests/evaluation/test_made_sets.py`."""
    known = json.loads(FIXTURE.read_text(encoding="utf-8"))
    found = described(five)
    if found["fonts"] != known["fonts"]:
        pytest.skip("the fixture is of other packages of fonts, whose images differ")
    assert found["labels_and_sizes"] == known["labels_and_sizes"]
    seen, should = (
        np.frombuffer(base64.b64decode(one["looks"]), np.uint8).astype(int)
        for one in (found, known)
    )
    assert np.abs(seen - should).max() <= NEAR


def test_the_set_is_whole(five):
    """100 of each kind, every text readable by the alphabet, every image by the product."""
    assert five.complete
    assert not five.problems
    assert collections.Counter(line.category for line in five.lines) == dict.fromkeys(KINDS, 100)
    known = set(alphabet.characters())
    for line in five.lines:
        assert line.text == " ".join(line.text.split()) != ""
        assert set(line.text) <= known
        assert set(line.slices) <= SHARES[line.category].keys() <= WORDS.keys()
        assert min(load_image((five.folder / line.file).read_bytes()).shape) >= 4


def test_another_maker_makes_the_same_image_alone_and_later(maker):
    """A function of kind, seed and index: not of what was made before it, nor of how many."""
    other = PictureMaker(FONTS)
    for kind in reversed(KINDS):
        assert other.make(kind, 7, 3) == list(maker.pictures([kind], 4, 7))[3]
        assert other.make(kind, 8, 3).content != maker.make(kind, 7, 3).content


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_says_what_was_done_and_nothing_else_was(maker, monkeypatch, kind):
    """Without it the same line looks otherwise; a line that lacks the word stays as it is."""
    made = [maker.make(kind, 5, index) for index in range(70)]
    for word in SHARES[kind]:
        with monkeypatch.context() as patch:
            patch.setitem(chance.SHARES, kind, {**SHARES[kind], word: 0.0})
            having = [k for k, one in enumerate(made) if word in one.slices][:3]
            lacking = next(k for k, one in enumerate(made) if word not in one.slices)
            assert maker.make(kind, 5, lacking) == made[lacking]
            for index in having:
                bare = maker.make(kind, 5, index)
                rest = tuple(one for one in made[index].slices if one != word)
                assert (bare.text, bare.slices) == (made[index].text, rest)
                assert differs(made[index].content, bare.content), f"{word} {index}"


def differs(one, other):
    """By something that can be seen in the light that there is."""
    one, other = gray(one).astype(int), gray(other).astype(int)
    if one.shape != other.shape:
        return True
    low, high = np.percentile(other, [2, 98])
    return (np.abs(one - other) > max(2, 0.04 * (high - low))).mean() > 0.004


def test_words_are_true_of_the_pixels(five):
    """Light letters are the lesser part, the dark is dark, JPEG is JPEG."""
    for line in five.lines:
        content = (five.folder / line.file).read_bytes()
        image = gray(content)
        jpeg = content.startswith(b"\xff\xd8")
        assert jpeg == line.file.endswith(".jpg")
        assert jpeg or "compressed" not in line.slices
        assert jpeg == (line.category in {"invoice", "sign"} or "compressed" in line.slices)
        if "dark" in line.slices:
            assert np.percentile(image, 90) < 150, line.file
    plain = {"noise", "perspective", "skew", "blur", "dark", "compressed", "inverse"}
    sure = [
        (line.file, "inverse" in line.slices, light_letters(gray(image.read_bytes())))
        for line in five.lines
        if line.category in {"print", "sign"} and set(line.slices) <= plain
        for image in [five.folder / line.file]
    ]
    assert len(sure) > 80
    assert sum(said != seen for _, said, seen in sure) <= 0.02 * len(sure), sure


def light_letters(image):
    low, middle, high = np.percentile(image, [2, 50, 98])
    return middle - low < high - middle


def test_signs_and_invoices_are_in_colour(five):
    shares = {
        kind: np.mean(
            [
                np.ptp(cv2.imread(str(five.folder / line.file)).astype(int), axis=2).mean() > 12
                for line in five.lines
                if line.category == kind
            ]
        )
        for kind in KINDS
    }
    assert shares["sign"] > 0.6
    assert shares["scan"] < 0.35, "most scanners are set to gray"


def test_the_digest_is_of_every_label_and_every_image(five, tmp_path, maker):
    folder = tmp_path / "few"
    write_labelled(maker.pictures(["print"], 2, SEED), folder)
    before = digest(folder)
    (folder / "notes.txt").write_text("no part of the set")
    assert digest(folder) == before
    for path in (folder / "labels.tsv", folder / "print_0001.png"):
        content = path.read_bytes()
        path.write_bytes(content + b"\n")
        assert digest(folder) != before, path
        path.write_bytes(content)
    assert digest(folder) == before


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        write_labelled(PictureMaker(FONTS).pictures(KINDS, 100, SEED), Path(place) / "five")
        FIXTURE.write_text(
            json.dumps(described(load(Path(place) / "five")), indent=1) + "\n", encoding="utf-8"
        )
