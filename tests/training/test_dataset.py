"""A set of made lines on disk: whole, or not there."""

import pytest

from ocr_training.dataset import Labelled, write_labelled

ONE = Labelled("a_0000.png", b"pixels", "发票 1", "print", ("blur", "dark"))


def test_the_labels_say_what_each_image_is(tmp_path):
    assert write_labelled([ONE], tmp_path / "set") == 1
    assert (tmp_path / "set/labels.tsv").read_text(encoding="utf-8").splitlines() == [
        "file\ttext\tcategory\tlang\tsource\tslices",
        "a_0000.png\t发票 1\tprint\tzh\tmade\tblur,dark",
    ]
    assert (tmp_path / "set/a_0000.png").read_bytes() == b"pixels"
    assert len(list((tmp_path / "set").iterdir())) == 2


@pytest.mark.parametrize("fault", [KeyboardInterrupt, ValueError])
def test_what_stops_it_takes_back_what_was_written(tmp_path, fault):
    def stopped(folder):
        yield ONE
        assert (folder / ONE.name).exists(), "written as it comes"
        assert not (folder / "labels.tsv").exists(), "not before the last image"
        raise fault

    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    for folder in (tmp_path / "new", mine):
        with pytest.raises(fault):
            write_labelled(stopped(folder), folder)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["mine", "notes.txt"]


@pytest.mark.parametrize("there", ["labels.tsv", "other.jpg", "labels.tsv.part"])
def test_a_set_is_never_mixed_with_another(tmp_path, there):
    (tmp_path / there).write_text("mine")
    with pytest.raises(FileExistsError, match=there):
        write_labelled([ONE], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"
