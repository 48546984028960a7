"""What an arm cannot write is said and counted."""

import numpy as np
import pytest
from made_readings import ARMS, read

from ocr_evaluation.ab_report import markdown
from ocr_evaluation.alphabets import Reach, alphabet, reach, reaches, said
from ocr_evaluation.layout import notes
from ocr_rollout.core.routing import Arm

OLD, NEW = ARMS


def test_arms_with_different_alphabets_are_told_apart():
    texts = ["ab", "发票", "票据发"]
    found = (reach(OLD, frozenset("ab发票"), texts), reach(NEW, frozenset("abc"), texts))
    assert found[0] == Reach(OLD, frozenset("ab发票"), "据", 1)
    assert (found[1].lacking, found[1].lines) == ("发票据", 2)
    assert said(found, 3) == [
        "the alphabets of old:1 and new:2 differ: 4 and 3 characters, 2 of them in both",
        "old:1 cannot read 1 of 3 lines whole: it has no class for 1 of their characters: 据",
        "new:2 cannot read 2 of 3 lines whole: it has no class for 3 of their characters: 发 票 据",
    ]


def test_the_same_alphabet_needs_no_word():
    found = tuple(reach(arm, frozenset("ab"), ["ab"]) for arm in ARMS)
    assert said(found, 1) == []


def test_characters_count_as_they_are_compared():
    """A full-width letter is written by whoever writes the plain one."""
    assert reach(OLD, frozenset("Ａ：①"), ["A:1"]).lacking == ""


def test_what_is_not_known_is_not_called_equal():
    found = (reach(OLD, frozenset("ab"), ["abc"]), reach(NEW, None, ["abc"]))
    assert said(found, 1)[0] == "alphabets are not compared: no model of new:2 is at hand"
    assert found[1].to_json() == dict.fromkeys(found[1].to_json())
    assert said((), 1) == []


def test_it_stands_in_the_report(tested):
    test = tested([read("abc", "ab", "ab")], reaches=(reach(OLD, frozenset("ab"), ["abc"]),))
    (note,) = (line for line in notes(test) if "no class" in line)
    assert note in markdown(test).split("## Accuracy")[0]
    assert test.to_json()["alphabets"] == {
        "old:1": {"characters": 2, "lacking": "c", "lines_that_hold_such": 1}
    }


def test_it_is_read_from_the_models_that_are_served(repository, tmp_path):
    known = [alphabet(repository, Arm(name, 1)) for name in ("convnext", "crnn")]
    assert known[0] == known[1]
    assert len(known[0]) > 1000
    assert "发" in known[0]
    (tmp_path / "crnn/1").mkdir(parents=True)
    assert alphabet(tmp_path, Arm("crnn", 1)) is None
    (tmp_path / "crnn/1/model.onnx").write_bytes(b"no model")
    assert alphabet(tmp_path, Arm("crnn", 1)) is None


def test_a_graph_of_few_characters_is_a_small_alphabet(tmp_path):
    helper = pytest.importorskip("onnx").helper
    from onnx import TensorProto, numpy_helper

    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "class"], ["codepoints"])],
        "last",
        [helper.make_tensor_value_info("class", TensorProto.INT64, ["N", "T"])],
        [helper.make_tensor_value_info("codepoints", TensorProto.INT32, ["N", "T"])],
        [numpy_helper.from_array(np.array([0, 65, 66], np.int32), "table")],
    )
    folder = tmp_path / "small" / "4"
    folder.mkdir(parents=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (found,) = reaches([Arm("small", 4)], tmp_path, ["ＡＢ", "A-"])
    assert found == Reach(Arm("small", 4), frozenset("AB"), "-", 1)
