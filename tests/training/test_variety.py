"""What training meets beyond evaluation: it is there, it is readable, and evaluation has none."""

import dataclasses

import cv2
import numpy as np
import pytest

pytest.importorskip("fontTools", reason="the extra [training] is not installed")

from ocr_export import alphabet
from ocr_training import corpus, lines, phrases, surfaces, warp
from ocr_training.corpus import Corpus
from ocr_training.glyphs import EM, Glyph
from ocr_training.lines import KINDS, LineMaker
from ocr_training.sizes import draw_setting
from ocr_training.strokes import Hand, Strokes, _apart, _Rolls
from ocr_training.variety import NONE, TRAINED, Variety, happens

ALWAYS = Variety(**{field.name: 1.0 for field in dataclasses.fields(Variety)})


def rng(seed=0):
    return np.random.default_rng(seed)


def test_evaluation_does_not_change_with_what_training_meets(fonts_folder, monkeypatch):
    """Figures of two generators can be compared: same pixels whatever the shares are."""
    maker = LineMaker(fonts_folder, held_out=True)
    before = [maker.make(1, i) for i in range(20)]
    monkeypatch.setattr(lines, "TRAINED", dict.fromkeys(KINDS, ALWAYS))
    monkeypatch.setattr(corpus, "TRAINED", dict.fromkeys(KINDS, ALWAYS))
    maker = LineMaker(fonts_folder, held_out=True)
    after = [maker.make(1, i) for i in range(20)]
    for a, b in zip(before, after, strict=True):
        assert a.text == b.text
        assert np.array_equal(a.image, b.image)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_with_everything_is_still_a_line(fonts_folder, monkeypatch, kind):
    monkeypatch.setattr(lines, "TRAINED", dict.fromkeys(KINDS, ALWAYS))
    maker = LineMaker(fonts_folder)
    for i in range(30):
        line = maker.make(2, i, kind)
        assert line.spans.shape == (len(line.text), 2)
        assert line.spans[:, 0].min() > -line.image.shape[1]
        assert line.image.std() > 0


def test_a_share_of_nothing_draws_nothing():
    first, second = rng(3), rng(3)
    assert not happens(first, 0.0)
    assert first.random() == second.random()
    assert sum(happens(first, 0.3) for _ in range(2_000)) == pytest.approx(600, abs=80)
    assert TRAINED.get("receipt", NONE) is NONE


def test_small_sources_are_made_more_often_than_by_chance(fonts_folder, monkeypatch):
    """Rows of the source, of which real print has ten to thirteen in two lines of five."""
    few = {}
    for share in (0.0, 0.5):
        shares = Variety(small=share)
        monkeypatch.setattr(lines, "TRAINED", dict.fromkeys(KINDS, shares))
        maker = LineMaker(fonts_folder)
        heights = [maker.raw(1, i, "sign")[0].shape[0] for i in range(80)]
        few[share] = sum(height < 17 for height in heights)
    assert few[0.5] > few[0.0] + 15


def test_phrases_hold_known_characters_only():
    known, chance = set(alphabet.characters()), rng(1)
    for make in (phrases.bilingual,):
        for _ in range(300):
            assert set(make(lambda: "商品", lambda: "price", chance)) <= known
    for make in (phrases.labelled, phrases.measure, phrases.enumeration, phrases.shop):
        for _ in range(300):
            assert set(make(lambda: "商品", chance)) <= known
    for make in (phrases.web, phrases.notice):
        for _ in range(300):
            assert set(make(lambda: "price", chance)) <= known


def test_training_reads_marks_at_the_ends_of_lines(fonts_folder):
    texts, chance = Corpus(fonts_folder), rng(2)
    ended = [texts.text(chance, "print", 12)[-1] in "，。；、：" for _ in range(1_000)]
    assert sum(ended) > 40


def test_translations_are_smaller_and_stay_on_the_line():
    text = "商品编号(ITEM NO.)"
    for seed in range(60):
        setting = draw_setting(text, sizes=True, gaps=False, rng=rng(seed))
        assert min(setting.scales) >= 0.5
        assert len(set(setting.scales)) == 2
        for scale, lift in zip(setting.scales, setting.lifts, strict=True):
            assert 0 <= lift <= (1 - scale) * EM + 0.5


def test_gaps_set_chinese_apart_and_leave_its_translation_together():
    setting = draw_setting("商品(ITEM)", sizes=False, gaps=True, rng=rng(1))
    assert set(setting.gaps[2:]) == {0.0}
    assert setting.gaps[0] == setting.gaps[1] > 0
    assert set(setting.scales) == {1.0}


def test_a_glyph_in_another_size_keeps_its_proportions():
    glyph = Glyph(np.full((40, 20), 255, np.uint8), 4, -36, 24.0)
    half = glyph.scaled(0.5)
    assert half.mask.shape == (20, 10)
    assert (half.left, half.top, half.advance) == (2, -18, 12.0)
    space = Glyph(np.zeros((0, 0), np.uint8), 0, 0, 10.0)
    assert space.scaled(0.5).advance == 5.0


def test_a_steep_line_keeps_its_ink_and_its_columns():
    """Nothing is cut off, and characters stay where the spans say they are."""
    mask = np.zeros((60, 240), np.uint8)
    mask[12:48, 20:220:12] = 255
    climbs = []
    for seed in range(40):
        made = warp.steep(mask, rng(seed))
        assert made.shape[1] == 240
        assert np.array_equal(made.max(axis=0) > 127, mask.max(axis=0) > 127)
        middle = [np.flatnonzero(made[:, column]).mean() for column in (20, 212)]
        climbs.append(abs(middle[1] - middle[0]))
    assert max(climbs) > 40
    assert max(climbs) <= warp.HIGHEST * 60 + 3


def test_textures_change_the_page_and_not_its_size():
    for seed in range(40):
        page = np.full((50, 300), 128, np.float32)
        surfaces.texture(page, rng(seed))
        assert page.shape == (50, 300)
        assert np.isfinite(page).all()
    assert page.std() > 0


def test_what_is_behind_the_letters_lies_near_them():
    ink = np.zeros((60, 300), np.uint8)
    ink[20:40, 100:200] = 255
    for seed in range(20):
        page = np.full(ink.shape, 128, np.float32)
        surfaces.behind(page, ink, rng(seed))
        assert (page[:, :60] == 128).all()
        assert (page[:, 240:] == 128).all()
        assert np.abs(page[25:35, 120:180] - 128).max() > 0


def test_dots_stand_in_for_the_ink():
    ink = np.zeros((EM, 6 * EM), np.uint8)
    ink[10:34, EM : 5 * EM] = 255
    for seed in range(10):
        dots = surfaces.dotted(ink, EM, rng(seed))
        assert dots.shape == ink.shape
        assert dots[:, : EM // 2].max() == 0
        assert dots[14:30, 2 * EM : 4 * EM].max() == 255


def test_a_hand_in_a_hurry_lifts_its_pen_less_often(fonts_folder, monkeypatch):
    """Fewer runs of the pen a character, and always ink."""
    runs = []
    draw = cv2.polylines
    monkeypatch.setattr(cv2, "polylines", lambda *given: (runs.extend(given[1]), draw(*given)))
    strokes, text = Strokes(fonts_folder / "strokes.json"), "语调能够表达说话人想法"
    lifted = {}
    for running in (False, True):
        chance = rng(5)
        before = len(runs)
        for _ in range(200):
            glyphs = strokes.draw(text, Hand(chance, running=running), chance)
            assert len(glyphs) == len(text)
            assert all(glyph.mask.any() for glyph in glyphs)
        lifted[running] = (len(runs) - before) / len(text) / 200
    assert lifted[True] < 0.75 * lifted[False]
    (one,) = strokes.draw("一", Hand(rng(1), running=True), rng(1))
    assert one.mask.any()
    assert strokes.draw("", Hand(rng(1)), rng(1)) == []


def test_characters_drawn_together_are_those_drawn_one_after_the_other(fonts_folder):
    """Lines of evaluation were made one character after the other, and must stay."""
    strokes, text = Strokes(fonts_folder / "strokes.json"), "语一能够人"
    for seed in range(20):
        hand, chance = Hand(rng(seed)), rng(seed)
        alone = [strokes.draw(character, hand, chance)[0] for character in text]
        together = strokes.draw(text, hand, rng(seed))
        for one, other in zip(alone, together, strict=True):
            assert np.array_equal(one.mask, other.mask)
            assert one.advance == other.advance


def test_parts_of_a_character_drift_as_a_whole(fonts_folder):
    """The first strokes and the others, of characters with four strokes or more."""
    strokes = Strokes(fonts_folder / "strokes.json")
    medians = [strokes._of(character) for character in "人语"]
    points = np.concatenate(medians)
    for seed in range(20):
        rolls = _Rolls.of([len(each) for each in medians], rng(seed))
        moved = _apart(points, rolls, rng(seed))
        assert np.allclose(moved[:2], points[:2])
        splits = range(4, len(points) - 1)
        off = [_unlike(points[2:k], moved[2:k]) + _unlike(points[k:], moved[k:]) for k in splits]
        assert min(off) < 1e-4 < max(off)


def _unlike(before: np.ndarray, after: np.ndarray) -> float:
    """How far off scaling and moving is, at best, from what was done to the points."""
    fits = [np.polyfit(before[..., k].ravel(), after[..., k].ravel(), 1) for k in (0, 1)]
    moved = np.stack([np.polyval(fit, before[..., k]) for k, fit in enumerate(fits)], axis=-1)
    return float(np.abs(moved - after).max())
