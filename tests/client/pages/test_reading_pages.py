"""Whole pages through the client: one request, one arm, one outcome, however many lines."""

import numpy as np
import pytest
from made_pages import ENGLISH, blank, page

from ocr_client import ClientConfig, OCRClient
from ocr_client import errors as tree
from ocr_client.config import ModelRouting, PageSettings, TritonSettings
from ocr_client.fake import FakeTransport, spelled
from ocr_client.results import Reading, ReadLine
from ocr_client.settings import CANDIDATE, STABLE

ALL_TO_CANDIDATE = ModelRouting(candidate_weight_bp=10_000)


def client(arms=None, *, routing=ALL_TO_CANDIDATE, pages=None, triton=None, clock=None):
    transport = FakeTransport(arms or {STABLE: "stable", CANDIDATE: "candidate"})
    config = ClientConfig(
        routing, triton or TritonSettings(), pages=pages or PageSettings(turn=False)
    )
    clocked = {} if clock is None else {"clock": clock}
    return OCRClient(config, transport=transport, **clocked), transport


def attempts(reader):
    return {
        name: count
        for name, count in reader.metrics().items()
        if name.startswith("ocr_client_attempts_total")
    }


def test_a_page_has_its_lines_with_places_and_says_that_it_is_one():
    reader, _ = client()
    result = reader.recognize_page(page())
    assert (result.mode, result.arm, result.turned) == ("page", CANDIDATE, 0)
    assert result.mode_reason == f"{len(ENGLISH)} lines of text found"
    assert [line.text for line in result.lines] == ["candidate"] * len(ENGLISH)
    assert result.text.split() == ["candidate"] * len(ENGLISH)
    tops = [line.box[1] for line in result.lines]
    assert tops == sorted(tops)
    for line in result.lines:
        left, top, right, bottom = line.box
        assert left <= line.characters[0].left < line.characters[-1].right <= right + 1
        assert all(top - 1 <= one.top < one.bottom <= bottom + 1 for one in line.characters)


def test_many_lines_are_one_request_and_one_outcome():
    """Lines of one width go together; the rollout counts a page once."""
    reader, transport = client()
    result = reader.recognize_page(page(["a line of equal length"] * 7, size=(900, 800)))
    assert len(result.lines) == 7
    assert sum(asked.shape[0] for asked in transport.asked) == 7
    assert len(transport.asked) < 7
    assert len({asked.request_id for asked in transport.asked}) == 1
    (count,) = attempts(reader).values()
    assert count == 1


def test_stable_answers_for_all_lines_where_the_candidate_fails_at_one():
    """No page is half one arm's and half the other's."""
    calls = []

    def fails_late(tensor):
        calls.append(tensor.shape)
        if len(calls) > 1:
            raise tree.ArmFailedError("boom")
        return spelled("candidate", lines=tensor.shape[0], steps=tensor.shape[3] // 4)

    reader, _ = client({STABLE: "stable", CANDIDATE: fails_late})
    texts = ["one", "a much longer line of text than the others", "three words here"]
    result = reader.recognize_page(page(texts))
    assert (result.arm, result.fell_back, result.fault) == (STABLE, True, "boom")
    assert {line.text for line in result.lines} == {"stable"}
    assert attempts(reader) == {
        f'ocr_client_attempts_total{{arm="{CANDIDATE}",outcome="server_error"}}': 1
    }


def test_a_page_has_a_deadline_of_its_own():
    """Longer than a line's; the candidate gets its part of it."""

    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    pages = PageSettings(deadline_s=90, candidate_deadline_s=40, turn=False)
    reader, transport = client(pages=pages, triton=TritonSettings(deadline_s=2), clock=Clock())
    reader.recognize_page(page())
    assert {asked.timeout_s for asked in transport.asked} == {40}
    transport.asked.clear()
    reader.recognize_page(page(), line=True)
    assert {asked.timeout_s for asked in transport.asked} == {2}


def test_a_blank_page_is_a_success_that_nobody_is_asked_about():
    """Not an empty answer of the candidate's, which would count against it."""
    reader, transport = client()
    result = reader.recognize_page(blank())
    assert (result.text, result.lines, result.confidence) == ("", (), 0)
    assert (result.mode, result.mode_reason) == ("page", "no text found: the page is blank")
    assert transport.asked == []
    assert attempts(reader) == {}


def test_an_image_of_one_line_is_read_as_a_line_and_says_so():
    """The same keys: the image itself is the only line."""
    reader, transport = client()
    gray = page(["one line"], size=(300, 44), height=30)[60:]
    gray = np.pad(gray, ((0, 44 - gray.shape[0]), (0, 0)), constant_values=255)
    result = reader.recognize_page(page(["Total 45.90"], size=(420, 190))[70:130])
    assert result.mode == "line"
    assert [asked.shape[0] for asked in transport.asked] == [1]
    assert result.lines[0].box == (0, 0, 420, 60)
    assert (result.lines[0].text, result.blocks[0].text) == (result.text, result.text)
    assert reader.recognize_page(gray, line=True).mode_reason == "asked for as one line"


def test_a_small_image_in_which_no_line_is_seen_is_still_read():
    """As before there were pages: a crop of a few pixels."""
    reader, transport = client({CANDIDATE: "x"})
    result = reader.recognize_page(np.full((20, 60), 90, np.uint8))
    assert (result.mode, result.text) == ("line", "x")
    assert len(transport.asked) == 1


def test_one_schema_for_lines_and_pages():
    """A page's JSON has all keys of a line's, and more."""
    reader, _ = client()
    line = reader.recognize(page(["Total 45.90"], size=(420, 190))[70:130]).to_json()
    for how in (True, False):
        found = reader.recognize_page(page(), line=how).to_json()
        assert set(found) >= set(line)
        assert set(found) - set(line) == {
            "mode",
            "mode_reason",
            "fields",
            "finder",
            "turned",
            "angle",
            "lines",
            "blocks",
        }
        assert found["mode"] == ("line" if how else "page")
        (first, *_) = found["lines"]
        assert set(first) == {
            "text",
            "confidence",
            "box",
            "quad",
            "vertical",
            "block",
            "characters",
        }


def test_no_more_lines_are_read_than_the_limit_and_the_answer_says_so():
    reader, transport = client(pages=PageSettings(max_lines=2, turn=False))
    result = reader.recognize_page(page())
    assert len(result.lines) == 2
    assert sum(asked.shape[0] for asked in transport.asked) == 2
    assert "only the first 2 of 4 lines were read" in result.mode_reason


def test_lines_that_are_hardly_any_text_are_left_out():
    """Leaves and bricks are found as lines, and read as anything."""

    def doubtful(tensor):
        return spelled("x", lines=tensor.shape[0], steps=tensor.shape[3] // 4, confidence=0.2)

    reader, _ = client({CANDIDATE: doubtful})
    nothing = reader.recognize_page(page())
    assert nothing.lines == ()
    assert nothing.mode_reason == "no text found: of 4 likely lines none could be read surely"
    one = reader.recognize_page(page(["only this"]), line=False)
    assert one.mode_reason == "no text found: of one likely line none could be read surely"
    reader, _ = client({CANDIDATE: doubtful}, pages=PageSettings(turn=False, least_confidence=0))
    assert len(reader.recognize_page(page()).lines) == 4


def test_a_forced_arm_reads_all_lines_or_fails():
    reader, transport = client({STABLE: "stable", CANDIDATE: tree.ArmFailedError("boom")})
    with pytest.raises(tree.ArmFailedError):
        reader.recognize_page(page(), arm=CANDIDATE)
    assert {asked.arm for asked in transport.asked} == {CANDIDATE}


def test_time_is_counted_for_each_line_so_that_a_page_is_no_slow_request():
    """Beside lines of a few milliseconds, pages alone would be the 95th percentile."""

    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    clock = Clock()

    class Slow(FakeTransport):
        def infer(self, arm, tensor, **rest):
            clock.now += 0.25 * tensor.shape[0]
            return super().infer(arm, tensor, **rest)

    recorded = []
    config = ClientConfig(ALL_TO_CANDIDATE, pages=PageSettings(turn=False))
    reader = OCRClient(config, transport=Slow({CANDIDATE: "x"}), clock=clock)
    reader.recognize_page(page(), line=True)
    member = reader._session.begin().member
    member.record = lambda *given: recorded.append(given)
    reader.recognize_page(page())
    assert [given[3] for given in recorded] == [250]


def test_a_finder_that_fails_blames_no_arm(monkeypatch):
    def broken(gray):
        raise ZeroDivisionError("no height")

    monkeypatch.setattr("ocr_client.pages.finder.find_lines", broken)
    reader, transport = client()
    with pytest.raises(tree.BadImageError, match="finding lines failed: no height"):
        reader.recognize_page(page())
    assert transport.asked == []


def test_a_page_is_judged_line_by_line():
    """Three scripts somewhere on a page are usual; in a line they are nonsense."""
    reader, _ = client()
    norms = reader._session.norms
    good = ["型号ABC规格", "β粒子", "容量220ml每瓶", "Ж-3型"]
    assert norms.examine(CANDIDATE, read(["".join(good)])).kind == "garbled"
    assert norms.examine(CANDIDATE, read(good)).kind == "ok"
    assert norms.examine(CANDIDATE, read(["哈\ufffd\ufffd\ufffd\ufffd", "ok"])).kind == "garbled"
    assert norms.examine(CANDIDATE, read(["\ufffd", "a whole line of text"])).kind == "ok"


def read(texts):
    quad = ((0, 0), (9, 0), (9, 9), (0, 9))
    lines = [ReadLine(text, 0.9, (), quad, vertical=False, block=0) for text in texts]
    return Reading("\n".join(texts), 0.9, (), tuple(lines))
