"""A configuration against its graph, as the container's native backend checks it."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from tiny_models import CONFIG, echo_graph, write_model

from ocr_server import conformance, pbtxt

TEXT = CONFIG.format(name="crnn", versions="1", delay_us=0)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    onnx.save(echo_graph(), path)
    return path


# One change to a right configuration, and what the native backend would say.
WRONG = {
    'name: "image" data_type: TYPE_UINT8': [
        ('name: "image" data_type: TYPE_FP32', "expects datatype TYPE_FP32 for input 'image'"),
        ('name: "line" data_type: TYPE_UINT8', "unexpected inference input 'line', allowed inputs"),
        ('name: "image" data_type: TYPE_STRING', "unsupported datatype TYPE_STRING"),
        ('name: "image" optional: true data_type: TYPE_UINT8', "optional input 'image'"),
        ('name: "image" allow_ragged_batch: true data_type: TYPE_UINT8', "ragged input 'image'"),
    ],
    "dims: [ 1, 32, -1 ]": [
        ("dims: [ 32, -1 ]", "expects 4 dimensions (shape [-1,1,32,-1])"),
        ("dims: [ 1, 48, -1 ]", "making complete shape [-1,1,48,-1]"),
    ],
    "TYPE_INT32 dims: [ -1 ]": [
        ("TYPE_INT32 dims: [ 24 ]", "making complete shape [-1,24]"),  # outputs: exactly equal
        ("TYPE_INT32 dims: [ -1, -1 ]", "specifies 3 dimensions"),
        ("TYPE_INT64 dims: [ -1 ]", "model provides TYPE_INT32"),
    ],
    "max_batch_size: 16": [("max_batch_size: 0", "specifies 3 dimensions (shape [1,32,-1])")],
    "backend:": [
        ("sequence_batching { } backend:", "sequence batching is not supported"),
        ("model_transaction_policy { decoupled: true } backend:", "decoupled"),
        ('batch_input [ { kind: BATCH_ELEMENT_COUNT target_name: "n" } ] backend:', "batch_input"),
    ],
    "KIND_CPU": [("KIND_GPU", "instance kind KIND_GPU needs a GPU")],
    'key: "intra_op_thread_count" value { string_value: "1" }': [
        ('key: "execution_mode" value { string_value: "2" }', "execution_mode are 0 or 1 but got 2")
    ],
}
CASES = [(old, new, says) for old, changes in WRONG.items() for new, says in changes]


def test_the_right_configuration_has_no_problem(graph: Path) -> None:
    assert conformance.check(TEXT, graph) == []


@pytest.mark.parametrize(("old", "new", "says"), CASES)
def test_a_wrong_one_is_told_in_the_native_backends_words(
    graph: Path, old: str, new: str, says: str
) -> None:
    assert old in TEXT
    found = conformance.check(TEXT.replace(old, new), graph)
    assert any(says in problem for problem in found), found


def test_an_input_may_be_narrower_in_the_configuration_than_in_the_graph(graph: Path) -> None:
    assert conformance.check(TEXT.replace("32, -1", "32, 96"), graph) == []


def test_a_graph_whose_batch_is_not_dim_0_cannot_batch(tmp_path: Path) -> None:
    """A recogniser exported as (T, N) would fail to load."""
    model = echo_graph()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    onnx.save(model, tmp_path / "model.onnx")
    found = conformance.check(TEXT, tmp_path / "model.onnx")
    assert any("the first dimension must be -1" in problem for problem in found)


def test_a_missing_and_a_damaged_graph_are_problems_too(tmp_path: Path) -> None:
    assert "no such file" in conformance.check(TEXT, tmp_path / "model.onnx")[0]
    (tmp_path / "model.onnx").write_bytes(b"nonsense")
    assert "model.onnx" in conformance.check(TEXT, tmp_path / "model.onnx")[0]


def test_the_served_repository_fits_its_graphs(repository: Path) -> None:
    assert list(repository.glob("*/config.pbtxt"))
    assert conformance.check_repository(repository) == []


def test_rules_of_a_model_folder(tmp_path: Path) -> None:
    write_model(tmp_path, "good")
    write_model(tmp_path, "named", replace=('"named"', '"other"'))
    write_model(tmp_path, "all", replace=("specific { versions: [ 1 ] }", "all { }"))
    write_model(tmp_path, "extra")
    (tmp_path / "extra" / "notes.txt").touch()
    write_model(tmp_path, "gone", replace=("[ 1 ] }", "[ 2 ] }"))
    write_model(tmp_path, "torn", replace=("backend", "{"))
    found = conformance.check_repository(tmp_path)
    for name, says in {
        "named": "name is 'other'",
        "all": "not `specific`",
        "extra": "notes.txt",
        "gone/2": "no such file",
        "torn/config.pbtxt": "line 3",
    }.items():
        assert any(line.startswith(f"{name}: ") and says in line for line in found), (name, found)
    assert not any(line.startswith("good") for line in found)


def test_pbtxt_reads_every_way_to_write_the_same() -> None:
    ways = [
        'input [ { name: "a" dims: [ 1, -1 ] } ] parameters { key: "k" value { string_value: "v" } }',
        'input { name: "a" dims: 1 dims: -1 }\nparameters: {key: "k" value: {string_value: "v"}}',
        """input < name: 'a'; dims: [1,-1] >, # comment
        parameters [ { key: "k", value { string_value: "" "v" } } ]""",
    ]
    for way in ways:
        assert pbtxt.parse(way) == {
            "input": [{"name": "a", "dims": [1, -1]}],
            "parameters": {"k": {"string_value": "v"}},
        }


def test_pbtxt_keeps_types() -> None:
    text = 'a: 1 b: -2.5 c: true d: KIND_CPU e: "x\\"y\\n" f: 1e3 versions: 7'
    assert pbtxt.parse(text) == {
        "a": 1, "b": -2.5, "c": True, "d": "KIND_CPU", "e": 'x"y\n', "f": 1000.0, "versions": [7],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\nb {", "line 2: expected a field name, found 'the end of the file'"),
        ("a:", "line 1: expected a value"),
        ("dims: [ 1 2 ]", "expected , or ]"),
        ("dims: [ 1", "expected , or ]"),
        ("a: 1 a: 2", "a is given twice"),
        ("a: 'x", "line 1: cannot read"),
        ("} ", "expected a field name, found '}'"),
        ("a:\n'x\0'", "line 2: no string that can be read"),
        ("a: '\\x'", "line 1: no string that can be read"),
        (f"a: {'9' * 5_000}", "line 1: no number that can be read"),
        ("a {\n" * 500, "line 101: nested more than 100 deep"),
        ('parameters: "x"\nparameters { key: "a" }', "line 2: parameters is given twice"),
        (f"a: {'[' * 500}", "nested more than 100 deep"),
    ],
)
def test_pbtxt_names_the_line_of_a_mistake(text: str, says: str) -> None:
    with pytest.raises(pbtxt.PbtxtError) as caught:
        pbtxt.parse(text)
    assert says in str(caught.value)
