"""Made lines: the same for the same seed, and their truth is true."""

import collections
import dataclasses
import json

import numpy as np
import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")

from ocr_export import alphabet
from ocr_preprocessing.fast import noise_level
from ocr_training import fetch_fonts
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
    """Beside words single characters are drawn, so that every class is met."""
    corpus = Corpus(fonts_folder)
    rng = np.random.default_rng(1)
    seen = set()
    for _ in range(40_000):
        seen.update(corpus.text(rng, "print", 12))
    known = set(alphabet.characters())
    assert len(seen & known) / len(known) > 0.97


def test_what_few_faces_have_is_drawn_more_often(fonts_folder):
    """As often as it takes to be on as many lines; here a seventh loses three draws of four."""

    def scarce(character):
        return ord(character) % 7 == 0

    corpus = Corpus(fonts_folder, kept=lambda character: 0.25 if scarce(character) else 1.0)
    rng = np.random.default_rng(1)
    seen = collections.Counter()
    for _ in range(30_000):
        seen.update(corpus.text(rng, "print", 12))
    few, others = (
        np.median([seen[c] for c in corpus._han if scarce(c) == wanted]) for wanted in (True, False)
    )
    assert 2.5 < few / others < 4


def test_held_out_words_are_never_trained_on(fonts_folder):
    train, held_out = Corpus(fonts_folder), Corpus(fonts_folder, held_out=True)
    assert not set(train._words) & set(held_out._words)
    assert not set(train._english) & set(held_out._english)
    assert len(held_out._words) > 1000


def test_evaluation_is_of_what_people_write(fonts_folder):
    """Hardly a character of chance: on those other recognisers fail, too."""
    rng = np.random.default_rng(2)
    rare = {}
    for held_out in (False, True):
        corpus = Corpus(fonts_folder, held_out=held_out)
        frequent = {character for word in corpus._words[:20_000] for character in word}
        known = set(corpus._han)
        han = [c for _ in range(2_000) for c in corpus.text(rng, "print", 12) if c in known]
        rare[held_out] = sum(c not in frequent for c in han) / len(han)
    assert rare[True] < 0.06 < rare[False]


def test_traditional_texts_are_drawn_where_the_table_is(fonts_folder, tmp_path):
    """The small folder of the tests has none; with one, a share of the texts is converted."""
    for name in ("american-english",):
        (tmp_path / name).write_bytes((fonts_folder / name).read_bytes())
    table = {"traditional": {"国": ["國"], "发": ["發", "髮"], "的": ["☃"]}, "simplified": {}}
    (tmp_path / "variants.json").write_text(json.dumps(table))
    corpus = Corpus(tmp_path)
    assert corpus.traditional("发国的") == "發國的", "what the alphabet lacks stays as it is"
    assert Corpus(fonts_folder).traditional("发国的") == "发国的"


def test_the_table_of_variants_is_read_from_the_package(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "TSCharacters.txt").write_text("# two\n國\t国\n里\t里\n", encoding="utf-8")
    (data / "STCharacters.txt").write_text("国\t國\n里\t裏 里\n一\t一\n", encoding="utf-8")
    fetch_fonts._pack_variants(data, tmp_path / "variants.json")
    assert json.loads((tmp_path / "variants.json").read_text(encoding="utf-8")) == {
        "simplified": {"國": "国"},
        "traditional": {"国": ["國"], "里": ["裏", "里"]},
    }


def test_evaluation_meets_fewer_degradations(fonts_folder):
    """Print of evaluation is cleaner than that of training, as real print is."""
    spread = {}
    for held_out in (False, True):
        maker = LineMaker(fonts_folder, held_out=held_out)
        lines = [maker.raw(4, i, "print")[0] for i in range(60)]
        spread[held_out] = np.mean([noise_level(line) for line in lines])
    assert spread[True] < spread[False]


def test_a_face_of_capitals_gets_upper_case_texts(fonts_folder):
    """Small letters that look like capitals would teach the wrong case."""
    maker = LineMaker(fonts_folder)
    for (script, _), faces in maker._faces.items():
        if script == "latin":
            faces[:] = [(dataclasses.replace(font, capitals=True), has) for font, has in faces]
    for i in range(60):
        text = maker.raw(1, i, "sign")[1].text
        assert text == text.upper()


def test_a_folder_without_fonts_says_what_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="make fonts"):
        LineMaker(tmp_path)
