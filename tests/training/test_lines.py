"""Made lines: the same for the same seed, and their truth is true."""

import numpy as np
import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")

from ocr_export import alphabet
from ocr_training.corpus import Corpus
from ocr_training.lines import HEIGHT, KINDS, LineMaker


@pytest.fixture(scope="module")
def maker(fonts_folder):
    return LineMaker(fonts_folder)


def test_a_line_is_a_function_of_seed_and_index(maker, fonts_folder):
    """Another maker, asked in another order, makes the same pixels."""
    first = [maker.make(7, i) for i in range(6)]
    other = LineMaker(fonts_folder)
    again = [other.make(7, i) for i in reversed(range(6))][::-1]
    for a, b in zip(first, again, strict=True):
        assert a.text == b.text
        assert np.array_equal(a.image, b.image)
        assert np.array_equal(a.spans, b.spans)
    assert maker.make(8, 0).text != first[0].text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_usable_lines(maker, kind):
    """32 rows, UINT8, known characters, no double spaces, one span for each character."""
    for i in range(40):
        line = maker.make(3, i, kind)
        assert line.kind == kind
        assert line.image.dtype == np.uint8
        assert line.image.shape[0] == HEIGHT
        assert line.text == " ".join(line.text.split()) != ""
        assert set(line.text) <= set(alphabet.characters())
        assert line.spans.shape == (len(line.text), 2)
        assert (line.spans[:, 0] <= line.spans[:, 1]).all()


def test_spans_lie_on_the_ink(fonts_folder):
    """Across a clean line, the columns within spans hold most of the contrast."""
    maker = LineMaker(fonts_folder, characters="01234567")
    shares = []
    for i in range(60):
        line = maker.make(5, i, "print", 6)
        pixels = line.image.astype(np.int16)
        background = int(np.median(pixels[:, -1]))
        contrast = np.abs(pixels - background).sum(axis=0)
        inside = np.zeros(line.image.shape[1], bool)
        for left, right in line.spans:
            inside[max(0, int(left) - 1) : int(right) + 2] = True
        shares.append(contrast[inside].sum() / max(1, contrast.sum()))
    assert np.median(shares) > 0.9


def test_rare_characters_are_seen_too(fonts_folder):
    """A quarter or so of the Chinese characters is uniform, so that every class is met."""
    corpus = Corpus(fonts_folder)
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(40_000):
        seen.update(corpus.text(rng, "print", 12))
    known = set(alphabet.characters())
    assert len(seen & known) / len(known) > 0.97


def test_held_out_words_are_never_trained_on(fonts_folder):
    train, held_out = Corpus(fonts_folder), Corpus(fonts_folder, held_out=True)
    assert not set(train._words) & set(held_out._words)
    assert not set(train._english) & set(held_out._english)
    assert len(held_out._words) > 1000


def test_a_folder_without_fonts_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="make fonts"):
        LineMaker(tmp_path)
