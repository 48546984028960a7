"""A downloaded folder of ModelScope's: what is read from it, and what is refused in one line."""

from __future__ import annotations

import json
import pickle
import shutil

import modelscope_reference as reference
import pytest
import torch
from typer.testing import CliRunner

from ocr_export import alphabet
from ocr_export.checkpoint import CheckpointError
from ocr_export.cli import app
from ocr_export.modelscope.folder import open_folder
from ocr_export.modelscope.vocabulary import read_codepoints
from ocr_preprocessing.spec import LineSpec

pytestmark = pytest.mark.torch

NAMES = ["CRNN", "ConvNextViT"]


def hollow(recognizer, value=0.0):
    """Weights of the right names and shapes that take no room on the disk: one number each."""
    return {
        name: torch.tensor(0) if shape == () else torch.tensor(value).expand(shape)
        for name, shape in reference.shapes(recognizer).items()
    }


@pytest.fixture(params=NAMES)
def recognizer(request):
    return request.param


@pytest.fixture
def folder(tmp_path, recognizer):
    return reference.write_folder(tmp_path / "downloaded", recognizer, hollow(recognizer))


@pytest.fixture
def crnn(tmp_path):
    return reference.write_folder(tmp_path / "downloaded", "CRNN", hollow("CRNN"))


def reconfigure(folder, recognizer, **changes):
    content = reference.configuration(recognizer, **changes)
    (folder / "configuration.json").write_text(json.dumps(content))


def rewrite_vocabulary(folder, lines, end="\n"):
    (folder / "vocab.txt").write_bytes((end.join(lines) + end).encode())


def test_labels_start_where_the_recognizer_counts_from(folder, recognizer):
    """Class 1 or 2 is the first line; the class before it that has none is U+FFFD."""
    codepoints = open_folder(folder).load().codepoints
    first = {"CRNN": (0, 0x4E00), "ConvNextViT": (0, 0xFFFD, 0x4E00)}[recognizer]
    assert codepoints[: len(first)] == first
    assert len(codepoints) == 7644
    assert codepoints[-1] == 0x4E00 + 7644 - len(first)


def test_preprocessing_is_the_published_one(folder, recognizer):
    """32 rows, scaled and no more, one width, black on the right, 4 pixels a step."""
    width = {"CRNN": 640, "ConvNextViT": 804}[recognizer]
    assert open_folder(folder).config.spec == LineSpec(32, "bilinear", (width,), 0, 4)


def test_width_of_crnn_is_the_configured_one(crnn):
    """A fine-tuned one may have another."""
    reconfigure(crnn, "CRNN", img_width=320)
    assert open_folder(crnn).config.spec.fixed_width == 320


def test_older_convnextvit_names_the_width_of_a_chunk(tmp_path):
    """300 in the configuration; the line was 804 px wide all the same."""
    folder = reference.write_folder(tmp_path / "old", "ConvNextViT", hollow("ConvNextViT"))
    reconfigure(folder, "ConvNextViT", img_width=300)
    assert open_folder(folder).config.spec.fixed_width == 804


@pytest.mark.parametrize(
    "prefix", ["", "recognizer.", "module.", "recognizer.module.", "module.recognizer."]
)
def test_prefixes_are_taken_off(crnn, prefix):
    """Of fine-tuning and of training on several GPUs."""
    state = {prefix + name: tensor for name, tensor in hollow("CRNN", 0.5).items()}
    torch.save(state, crnn / "pytorch_model.pt")
    network = open_folder(crnn).load().network
    assert network.cls.weight[7, 7].item() == 0.5


def test_half_weights_become_whole(crnn):
    """Float16 in the file, float32 in the network."""
    state = {name: t.half() if t.is_floating_point() else t for name, t in hollow("CRNN").items()}
    torch.save(state, crnn / "pytorch_model.pt")
    network = open_folder(crnn).load().network
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    assert not network.training


def test_weights_that_nothing_reads_may_be_missing(folder, recognizer):
    """Counters of batches, and the class token."""
    unread = ("num_batches_tracked", "cls_token")
    state = {n: t for n, t in hollow(recognizer).items() if not n.endswith(unread)}
    assert len(state) < len(hollow(recognizer))
    torch.save(state, folder / "pytorch_model.pt")
    assert open_folder(folder).load().parameter_count > 11_000_000


def test_where_the_weights_come_from_is_recorded(folder):
    """Digests of the three files."""
    training = open_folder(folder).load().training
    assert training["source"] == "ModelScope"
    assert sorted(training["sha256"]) == ["configuration.json", "pytorch_model.pt", "vocab.txt"]
    assert all(len(digest) == 64 for digest in training["sha256"].values())


def test_vocabulary_is_broken_at_line_ends_alone(tmp_path):
    """Spaces, line separators and the like are characters; the last line may lack its end."""
    characters = [" ", "\u2028", "\x85", "\u3000", "\x0c", "A"]
    for text in ("\n".join(characters) + "\n", "\n".join(characters), "\r\n".join(characters)):
        (tmp_path / "vocab.txt").write_bytes(text.encode())
        codepoints = read_codepoints(tmp_path / "vocab.txt", classes=7, first_label=1)
        assert codepoints == (0, *map(ord, characters))


def test_class_behind_the_last_character_may_be_left_by_crnn(crnn):
    """Its training gives it to characters outside the vocabulary."""
    rewrite_vocabulary(crnn, reference.vocabulary(7642))
    codepoints = open_folder(crnn).load().codepoints
    assert (codepoints[1], codepoints[7642], codepoints[7643]) == (0x4E00, 0x4E00 + 7641, 0xFFFD)


def test_digest_of_code_points_is_that_of_a_file_of_them():
    """meta.json names every alphabet in one way."""
    assert alphabet.digest_of(alphabet.codepoints()) == alphabet.digest()


class Call:
    """A pickle that does something when it is opened."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))


def without(name):
    return lambda folder: (folder / name).unlink()


def state_with(**changes):
    """Dots are underscores twice; None takes a weight away."""

    def change(folder):
        state = hollow("CRNN") | {key.replace("__", "."): t for key, t in changes.items()}
        state = {key: tensor for key, tensor in state.items() if tensor is not None}
        torch.save(state, folder / "pytorch_model.pt")

    return change


def saved(content):
    return lambda folder: torch.save(content, folder / "pytorch_model.pt")


def written(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def configured(**changes):
    return lambda folder: reconfigure(folder, "CRNN", **changes)


def vocabulary_of(count, **at):
    def change(folder):
        lines = reference.vocabulary(count)
        for number, line in at.items():
            lines[int(number[1:]) - 1] = line
        rewrite_vocabulary(folder, lines)

    return change


def as_convnextvit(folder):
    reconfigure(folder, "ConvNextViT")
    rewrite_vocabulary(folder, reference.vocabulary(7642))


BAD = {
    "no folder": (shutil.rmtree, "configuration.json: no such file; a model of ModelScope's is"),
    "no configuration": (without("configuration.json"), "configuration.json: no such file"),
    "no weights": (without("pytorch_model.pt"), "pytorch_model.pt: no such file"),
    "no vocabulary": (without("vocab.txt"), "vocab.txt: no such file"),
    "not JSON": (written("configuration.json", b"{'model': 1}"), "not JSON: Expecting property"),
    "nested without end": (written("configuration.json", b"[" * 200_000), "not JSON"),
    "not UTF-8": (written("configuration.json", b"\xff{}"), "not JSON: 'utf-8' codec"),
    "a list": (written("configuration.json", b"[]"), "configuration.json: model: missing"),
    "no recognizer": (written("configuration.json", b'{"model": {}}'), "model.recognizer: missing"),
    "other recognizer": (
        written("configuration.json", b'{"model": {"recognizer": "LightweightEdge"}}'),
        "model.recognizer: 'LightweightEdge' is not one of CRNN, ConvNextViT",
    ),
    "a list for a name": (
        written("configuration.json", b'{"model": {"recognizer": ["CRNN"]}}'),
        "model.recognizer: ['CRNN'] is not one of",
    ),
    "no arguments": (
        written("configuration.json", b'{"model": {"recognizer": "CRNN"}}'),
        "model.inference_kwargs: missing",
    ),
    "chunking": (configured(do_chunking=True), "do_chunking: CRNN needs false, not true"),
    "a number for a truth": (configured(do_chunking=0), "do_chunking: CRNN needs false, not 0"),
    "height": (configured(img_height=48), "img_height: CRNN needs 32, not 48"),
    "no width": (configured(img_width=None), "img_width: null is not a whole number"),
    "odd width": (configured(img_width=642), "642 is not a multiple of 4 from 32 to 4096"),
    "huge width": (configured(img_width=4_000_000), "4000000 is not a multiple of 4"),
    "few characters": (
        vocabulary_of(7641),
        "vocab.txt: 7,641 characters, but 7,643 or 7,642 are needed: 7,644 classes",
    ),
    "many characters": (vocabulary_of(7644), "7,644 characters, but 7,643 or 7,642 are needed"),
    "no characters": (written("vocab.txt", b""), "vocab.txt: 0 characters, but 7,643"),
    "two on a line": (vocabulary_of(7643, n12="ab"), "line 12 holds 'ab', not one character"),
    "an empty line": (vocabulary_of(7643, n5=""), "line 5 holds '', not one character"),
    "a null": (vocabulary_of(7643, n1="\0"), "line 1 holds '\\x00', not one character"),
    "vocabulary not UTF-8": (written("vocab.txt", "汉\n".encode("gbk") * 7643), "not UTF-8 text"),
    "no pickle": (written("pytorch_model.pt", b"hello\n"), "not a checkpoint that can be read"),
    "empty": (written("pytorch_model.pt", b""), "not a checkpoint that can be read"),
    "foreign pickle": (
        written("pytorch_model.pt", pickle.dumps({"a": range(3)})),
        "not a checkpoint that can be read: more than weights is in it, or damage",
    ),
    "a whole network": (
        saved(torch.nn.Linear(2, 2)),
        "not a checkpoint that can be read: more than weights is in it, or damage",
    ),
    "a pickle of a list": (saved([1, 2]), "holds a value of type list, not named weights"),
    "a pickle of numbers": (saved({"conv0.0.weight": 3}), "'conv0.0.weight' is of type int, not a"),
    "nested weights": (
        saved({"state_dict": {}}),
        "'state_dict' is of type dict, not a named weight",
    ),
    "numbered weights": (saved({0: torch.zeros(1)}), "0 is of type Tensor, not a named weight"),
    "nothing": (saved({}), "conv0.0.weight and 62 more are missing; is it a CRNN at all?"),
    "one missing": (state_with(conv3__3__bias=None), "conv3.3.bias is missing"),
    "one too many": (state_with(conv5__0__bias=torch.zeros(2)), "conv5.0.bias is not known to"),
    "twice": (
        state_with(recognizer__cls__weight=torch.zeros(1)),
        "cls.weight is there twice, once as recognizer.cls.weight",
    ),
    "other classes": (
        state_with(cls__weight=torch.zeros(1).expand(6736, 512)),
        "cls.weight has the shape (6736, 512), not (7644, 512)",
    ),
    "whole numbers": (
        state_with(cls__weight=torch.zeros(1, dtype=torch.int8).expand(7644, 512)),
        "cls.weight is of torch.int8",
    ),
    "not a number": (
        state_with(conv1__0__bias=torch.tensor(float("nan")).expand(128)),
        "conv1.0.bias holds infinities or what is not a number",
    ),
    "weights of the other": (as_convnextvit, "cnn_model.downsample_layers.0.0.weight and 319 more"),
}


@pytest.mark.parametrize(("spoil", "message"), BAD.values(), ids=BAD)
def test_what_does_not_fit_is_refused_in_one_line(tmp_path, crnn, spoil, message):
    """On stderr, naming the file; exit code 1; nothing written."""
    spoil(crnn)
    target = tmp_path / "repository/crnn_modelscope/1"
    result = CliRunner().invoke(app, ["modelscope", str(crnn), "--to", str(target)])
    assert result.exit_code == 1, result.output
    assert message in result.stderr
    assert str(crnn) in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "repository").exists()


def test_code_in_the_weights_does_not_run(tmp_path, crnn):
    """They are loaded as weights only."""
    with (crnn / "pytorch_model.pt").open("wb") as file:
        pickle.dump({"conv0.0.weight": Call(tmp_path / "ran")}, file)
    with pytest.raises(CheckpointError):
        open_folder(crnn).load()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("width", "chunks", "message"),
    [(640, True, "img_width: ConvNextViT needs 804, not 640"), (804, False, "needs true")],
)
def test_convnextvit_has_one_width_and_chunks(crnn, width, chunks, message):
    """Its 75 positions fit no other."""
    reconfigure(crnn, "ConvNextViT", img_width=width, do_chunking=chunks)
    with pytest.raises(CheckpointError, match=message):
        open_folder(crnn)


@pytest.mark.parametrize("name", ["crnn", "convnext"])
def test_our_own_names_are_not_taken(tmp_path, crnn, name):
    """Another preprocessing is another model."""
    result = CliRunner().invoke(app, ["modelscope", str(crnn), "--to", str(tmp_path / name / "1")])
    assert result.exit_code == 1
    assert f"{name} is this project's own model" in result.stderr
    assert "a name of its own: crnn_modelscope" in result.stderr
