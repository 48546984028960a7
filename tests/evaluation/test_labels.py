"""labels.tsv: what is read, and that nothing of it gets lost without a word."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocr_evaluation.labels import FAULTS, NO_CATEGORY, DatasetError, Line, examined, load, parse

HEAD = "file\ttext\tcategory\tlang\tslices\n"


def dataset(text, there=("a.png", "b.png"), images=None):
    images = sorted(there) if images is None else images
    return examined(Path("set"), parse(HEAD + text, name="labels.tsv"), set(there), images)


def test_a_line_has_what_its_row_says():
    found = dataset("a.png\t发票 1\tprint\tzh\tblur, dark,blur\n", images=["a.png"])
    assert found.lines == (Line("a.png", "发票 1", "print", "zh", ("blur", "dark")),)
    assert found.problems == ()
    assert found.complete


CASES = [
    # row -> what is wrong with it, a word of what is said, whether the set is still complete
    ("a.png\tone\tprint\n", "columns", "row 2 has 3 columns", False),
    ("a.png\t\tprint\ten\t\n", "no text", "a.png has no text", False),
    ("c.png\tone\tprint\ten\t\n", "no image", "c.png: no such image", False),
    ("\tone\tprint\ten\t\n", "no image", "no file named", False),
    ("a.png\tone\t\ten\t\n", "no category", "a.png has no category", True),
]


@pytest.mark.parametrize(("row", "fault", "said", "complete"), CASES)
def test_what_is_wrong_with_a_row_is_said_in_one_line(row, fault, said, complete):
    found = dataset(row + "b.png\ttwo\tprint\ten\t\n")
    problem = next(problem for problem in found.problems if problem.fault == fault)
    assert said in problem.said
    assert "\n" not in problem.said
    assert found.counts()[fault] == 1
    assert found.complete is complete


def test_a_name_counts_once_however_it_is_written():
    found = dataset("a.png\tone\tprint\ten\t\n./a.png\tanother\tsign\ten\t\n", there=["a.png"])
    assert [line.text for line in found.lines] == ["one"]
    assert [problem.said for problem in found.problems] == ["row 3: a.png has a row already, 2"]


def test_an_image_without_a_row_is_said_and_is_no_fault_of_the_labels():
    found = dataset("a.png\tone\tprint\ten\t\n")
    assert [problem.said for problem in found.problems] == ["b.png has no row in labels.tsv"]
    assert found.complete


def test_a_line_without_a_category_is_read_like_any_other():
    assert dataset("a.png\tone\t\ten\t\n").lines[0].category == NO_CATEGORY


@given(
    st.lists(
        st.lists(
            st.one_of(st.sampled_from(["a.png", "b.png", "", "x"]), st.text(max_size=5)),
            min_size=1,
            max_size=6,
        ).map(lambda cells: "\t".join(cell.replace("\n", " ").replace("\t", " ") for cell in cells))
    )
)
def test_every_row_is_a_line_or_a_problem(rows):
    """Whatever stands in them."""
    found = dataset("\n".join(rows), images=[])
    left_out = sum(problem.fault != "no category" for problem in found.problems)
    assert len(found.lines) + left_out == sum(bool(row.strip()) for row in rows)
    assert sum(found.counts().values()) == len(found.problems)
    assert set(found.counts()) == set(FAULTS)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("file,text,category", "lacks file, text, category"),
        ("file\ttext", "lacks category"),
        ("file\ttext\tcategory\ttext", "names a column twice"),
        ("", "lacks file, text, category"),
    ],
)
def test_a_header_that_lacks_a_column_is_refused(head, said):
    with pytest.raises(DatasetError, match=said):
        parse(head + "\n", name="labels.tsv")


def test_a_folder_is_read_with_the_images_below_it(tmp_path):
    (tmp_path / "deep").mkdir()
    for name in ("deep/a.png", "b.JPG", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    text = "\ufefffile\ttext\tcategory\r\ndeep/a.png\tone\tprint\r\n"  # as a spreadsheet saves it
    (tmp_path / "labels.tsv").write_bytes(text.encode())
    found = load(tmp_path)
    assert found.lines == (Line("deep/a.png", "one", "print"),)
    assert [problem.said for problem in found.problems] == ["b.JPG has no row in labels.tsv"]
    assert load(tmp_path / "labels.tsv") == found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is not there"),
        (b"file\ttext\tcategory\n\xff", "is not UTF-8"),
        (b"file\ttext\tcategory\n", "no line to read: it is empty"),
        (b"file\ttext\tcategory\na.png\tx\tprint\n", "1 rows whose image is not there"),
    ],
)
def test_nothing_to_read_is_said_in_one_line(tmp_path, content, said):
    if content is not None:
        (tmp_path / "labels.tsv").write_bytes(content)
    with pytest.raises(DatasetError, match=said):
        load(tmp_path)
