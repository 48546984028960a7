"""ModelScope's two recognisers a second time, written apart from `ocr_export`.

Here the networks are functions over a dictionary of weights, fed RGB as ModelScope feeds them; the
LSTM, norms, GELU and attention are written out. From the public facts of modelscope/modelscope,
`models/cv/ocr_recognition`; `TABLES` is what its files of weights hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as f

State = dict[str, torch.Tensor]

CLASSES = 7644
FIRST_LABEL = {"CRNN": 1, "ConvNextViT": 2}
WIDTH = {"CRNN": 640, "ConvNextViT": 804}
HEAD = {"CRNN": "cls", "ConvNextViT": "vitstr.head"}
NAME = {"CRNN": "crnn_modelscope", "ConvNextViT": "convnext_modelscope"}

# One line a layer: where, what kind, sizes. {a-b} is a range.
TABLES = {
    "CRNN": """
        conv0.0 convolution 64 1 3 3
        conv0.1 batchnorm 64
        conv1.0 convolution 128 64 3 3
        conv1.1 batchnorm 128
        conv2.0 convolution 256 128 3 3
        conv2.1 batchnorm 256
        conv2.3 convolution 256 256 3 3
        conv2.4 batchnorm 256
        conv3.0 convolution 512 256 3 3
        conv3.1 batchnorm 512
        conv3.3 convolution 512 512 3 3
        conv3.4 batchnorm 512
        conv4.0 convolution 512 512 2 1
        conv4.1 batchnorm 512
        rnn.0.rnn lstm 256 512
        rnn.0.embedding linear 256 512
        rnn.1.rnn lstm 256 256
        rnn.1.embedding linear 512 512
        cls.weight tensor 7644 512
    """,
    "ConvNextViT": """
        cnn_model.downsample_layers.0.0 convolution 96 1 4 4
        cnn_model.downsample_layers.0.1 norm 96
        cnn_model.downsample_layers.1.0 norm 96
        cnn_model.downsample_layers.1.1 convolution 192 96 2 1
        cnn_model.downsample_layers.2.0 norm 192
        cnn_model.downsample_layers.2.1 convolution 256 192 2 1
        cnn_model.downsample_layers.3.0 norm 256
        cnn_model.downsample_layers.3.1 convolution 512 256 2 1
        cnn_model.stages.0.{0-2} block 96
        cnn_model.stages.1.{0-2} block 192
        cnn_model.stages.2.{0-7} block 256
        cnn_model.stages.3.{0-2} block 512
        vitstr.cls_token tensor 1 1 192
        vitstr.pos_embed tensor 1 75 192
        vitstr.patch_embed.proj convolution 192 512 1 1
        vitstr.blocks.{0-11}.norm1 norm 192
        vitstr.blocks.{0-11}.attn.qkv linear 576 192
        vitstr.blocks.{0-11}.attn.proj linear 192 192
        vitstr.blocks.{0-11}.norm2 norm 192
        vitstr.blocks.{0-11}.mlp.fc1 linear 768 192
        vitstr.blocks.{0-11}.mlp.fc2 linear 192 768
        vitstr.norm norm 192
        vitstr.head linear 7644 192
    """,
}
WEIGHT_COUNTS = {"CRNN": (70, 11_970_823), "ConvNextViT": (321, 19_177_980)}


def shapes(recognizer: str) -> dict[str, tuple[int, ...]]:
    """Name of every weight -> its shape, from the table."""
    found: dict[str, tuple[int, ...]] = {}
    for row in TABLES[recognizer].split("\n"):
        if not row.strip():
            continue
        where, kind, *sizes = row.split()
        for place in _places(where):
            found |= _weights(place, kind, [int(size) for size in sizes])
    return found


def _places(where: str) -> list[str]:
    match = re.search(r"\{(\d+)-(\d+)\}", where)
    if match is None:
        return [where]
    numbers = range(int(match[1]), int(match[2]) + 1)
    return [where.replace(match[0], str(number)) for number in numbers]


def _weights(place: str, kind: str, sizes: list[int]) -> dict[str, tuple[int, ...]]:
    first = sizes[0]
    if kind == "tensor":
        return {place: tuple(sizes)}
    if kind == "lstm":
        cells, inputs = sizes
        gates = 4 * cells
        one = {"weight_ih": (gates, inputs), "weight_hh": (gates, cells)}
        one |= {"bias_ih": (gates,), "bias_hh": (gates,)}
        ways = ("_l0", "_l0_reverse")
        return {f"{place}.{name}{way}": shape for way in ways for name, shape in one.items()}
    if kind == "block":
        parts = {
            "gamma": (first,),
            "dwconv.weight": (first, 1, 7, 7),
            "dwconv.bias": (first,),
            "norm.weight": (first,),
            "norm.bias": (first,),
            "pwconv1.weight": (4 * first, first),
            "pwconv1.bias": (4 * first,),
            "pwconv2.weight": (first, 4 * first),
            "pwconv2.bias": (first,),
        }
        return {f"{place}.{name}": shape for name, shape in parts.items()}
    weight = (first,) if kind in {"norm", "batchnorm"} else tuple(sizes)
    found: dict[str, tuple[int, ...]] = {f"{place}.weight": weight, f"{place}.bias": (first,)}
    if kind == "batchnorm":
        found |= {f"{place}.running_mean": (first,), f"{place}.running_var": (first,)}
        found |= {f"{place}.num_batches_tracked": ()}
    return found


def random_state(recognizer: str, *, seed: int = 0) -> State:
    """Weights under which signals neither die nor explode."""
    random = torch.Generator().manual_seed(seed)

    def normal(shape: tuple[int, ...], deviation: float) -> torch.Tensor:
        return torch.randn(shape, generator=random) * deviation

    state: State = {}
    for name, shape in shapes(recognizer).items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(1000)
        elif name.endswith("running_var"):
            state[name] = torch.rand(shape, generator=random) + 0.5
        elif len(shape) == 1:
            around = 1.0 if re.search(r"gamma|norm\d?\.weight|\.[14]\.weight", name) else 0.0
            state[name] = normal(shape, 0.2) + around
        elif name.endswith("pos_embed"):
            state[name] = normal(shape, 0.5)
        else:
            fan_in = max(1, int(np.prod(shape[1:])))
            state[name] = normal(shape, (2.0 / fan_in) ** 0.5)
    return state


def sharpen(recognizer: str, state: State, steps: torch.Tensor) -> None:
    """Changes the last layer so that different steps (N, T, 512 or 192) get different classes.

    Behind random layers all steps look much alike, and one class would win everywhere. So the
    layer looks away from what they have in common, and loudly at the rest.
    """
    common = steps.mean(dim=(0, 1))
    common /= common.norm()
    weight = state[f"{HEAD[recognizer]}.weight"]
    weight -= (weight @ common)[:, None] * common
    weight *= 8.0 / (steps @ weight.T).std()


def logits(recognizer: str, state: State, gray: npt.NDArray[np.uint8]) -> torch.Tensor:
    """Gray lines (N, 1, 32, W) UINT8 as RGB through the network: (N, W/4, 7644)."""
    return classify(recognizer, state, features(recognizer, state, gray))


def classify(recognizer: str, state: State, steps: torch.Tensor) -> torch.Tensor:
    head = HEAD[recognizer]
    return steps @ state[f"{head}.weight"].T + state.get(f"{head}.bias", 0)


def features(recognizer: str, state: State, gray: npt.NDArray[np.uint8]) -> torch.Tensor:
    """What the last layer sees: (N, W/4, 512 or 192)."""
    rgb = torch.from_numpy(gray).float().expand(-1, 3, -1, -1) / 255.0
    with torch.no_grad():
        return crnn(state, rgb) if recognizer == "CRNN" else convnextvit(state, rgb)


def crnn(s: State, rgb: torch.Tensor) -> torch.Tensor:
    def convolve(x: torch.Tensor, place: str, norm: str, padding: int) -> torch.Tensor:
        x = f.conv2d(x, s[f"{place}.weight"], s[f"{place}.bias"], padding=padding)
        scale = s[f"{norm}.weight"] / torch.sqrt(s[f"{norm}.running_var"] + 1e-5)
        shift = s[f"{norm}.bias"] - s[f"{norm}.running_mean"] * scale
        return torch.clamp(x * scale[:, None, None] + shift[:, None, None], min=0)

    x = luma(rgb)
    x = f.max_pool2d(convolve(x, "conv0.0", "conv0.1", 1), (2, 2))
    x = f.max_pool2d(convolve(x, "conv1.0", "conv1.1", 1), (2, 2))
    x = convolve(convolve(x, "conv2.0", "conv2.1", 1), "conv2.3", "conv2.4", 1)
    x = f.max_pool2d(x, (2, 1))
    x = convolve(convolve(x, "conv3.0", "conv3.1", 1), "conv3.3", "conv3.4", 1)
    x = f.max_pool2d(x, (2, 1))
    x = convolve(x, "conv4.0", "conv4.1", 0)
    steps = x[:, :, 0].permute(2, 0, 1)  # (T, N, 512)
    for layer in ("rnn.0", "rnn.1"):
        both = torch.cat([lstm(s, f"{layer}.rnn", steps, back) for back in (False, True)], dim=2)
        steps = both @ s[f"{layer}.embedding.weight"].T + s[f"{layer}.embedding.bias"]
    return steps.permute(1, 0, 2)


def lstm(s: State, place: str, steps: torch.Tensor, back: bool) -> torch.Tensor:
    """One direction, gates in the order input, forget, cell, output: (T, N, inputs) to cells."""
    end = "_l0_reverse" if back else "_l0"
    of_input, of_state = s[f"{place}.weight_ih{end}"], s[f"{place}.weight_hh{end}"]
    bias = s[f"{place}.bias_ih{end}"] + s[f"{place}.bias_hh{end}"]
    state = memory = torch.zeros(steps.shape[1], of_state.shape[1])
    found = []
    for step in steps.flip(0) if back else steps:
        enter, forget, cell, leave = (step @ of_input.T + state @ of_state.T + bias).chunk(4, 1)
        memory = torch.sigmoid(forget) * memory + torch.sigmoid(enter) * torch.tanh(cell)
        state = torch.sigmoid(leave) * torch.tanh(memory)
        found.append(state)
    return torch.stack(found[::-1] if back else found)


def convnextvit(s: State, rgb: torch.Tensor) -> torch.Tensor:
    lines = []
    for line in rgb:
        chunks = torch.stack([line[:, :, left : left + 300] for left in (0, 252, 504)])
        steps = vit(s, convnext(s, luma(chunks)))  # (3, 75, 192)
        lines.append(torch.cat([steps[0, 0:69], steps[1, 6:69], steps[2, 6:75]]))
    return torch.stack(lines)


def convnext(s: State, x: torch.Tensor) -> torch.Tensor:
    """Chunks (M, 1, 32, 300) to steps (M, 75, 512)."""
    for stage, blocks in enumerate((3, 3, 8, 3)):
        place = f"cnn_model.downsample_layers.{stage}"
        if stage == 0:
            x = f.conv2d(x, s[f"{place}.0.weight"], s[f"{place}.0.bias"], stride=4)
            x = over_channels(x, s, f"{place}.1")
        else:
            x = over_channels(x, s, f"{place}.0")
            x = f.conv2d(x, s[f"{place}.1.weight"], s[f"{place}.1.bias"], stride=(2, 1))
        for block in range(blocks):
            at = f"cnn_model.stages.{stage}.{block}"
            groups = x.shape[1]
            y = f.conv2d(x, s[f"{at}.dwconv.weight"], s[f"{at}.dwconv.bias"], 1, 3, 1, groups)
            y = over_channels(y, s, f"{at}.norm")
            y = torch.einsum("ec,nchw->nehw", s[f"{at}.pwconv1.weight"], y)
            y = gelu(y + s[f"{at}.pwconv1.bias"][:, None, None])
            y = torch.einsum("ce,nehw->nchw", s[f"{at}.pwconv2.weight"], y)
            y = y + s[f"{at}.pwconv2.bias"][:, None, None]
            x = x + s[f"{at}.gamma"][:, None, None] * y
    return x[:, :, 0].permute(0, 2, 1)


def vit(s: State, steps: torch.Tensor) -> torch.Tensor:
    """Steps (M, 75, 512) to (M, 75, 192). The class token takes no part."""
    x = steps @ s["vitstr.patch_embed.proj.weight"][:, :, 0, 0].T
    x = x + s["vitstr.patch_embed.proj.bias"] + s["vitstr.pos_embed"]
    for block in range(12):
        at = f"vitstr.blocks.{block}"
        y = linear(norm(x, s, f"{at}.norm1"), s, f"{at}.attn.qkv")
        heads = []
        for head in range(3):
            query, key, value = (
                y[:, :, part * 192 + head * 64 : part * 192 + head * 64 + 64] for part in range(3)
            )
            weight = torch.softmax(query @ key.transpose(1, 2) / 8.0, dim=2)  # sqrt(64)
            heads.append(weight @ value)
        x = x + linear(torch.cat(heads, dim=2), s, f"{at}.attn.proj")
        y = gelu(linear(norm(x, s, f"{at}.norm2"), s, f"{at}.mlp.fc1"))
        x = x + linear(y, s, f"{at}.mlp.fc2")
    return norm(x, s, "vitstr.norm")


def luma(rgb: torch.Tensor) -> torch.Tensor:
    red, green, blue = rgb[:, 0:1], rgb[:, 1:2], rgb[:, 2:3]
    return 0.2989 * red + 0.5870 * green + 0.1140 * blue


def linear(x: torch.Tensor, s: State, at: str) -> torch.Tensor:
    return x @ s[f"{at}.weight"].T + s[f"{at}.bias"]


def norm(x: torch.Tensor, s: State, at: str) -> torch.Tensor:
    centred = x - x.mean(dim=-1, keepdim=True)
    deviation = torch.sqrt((centred**2).mean(dim=-1, keepdim=True) + 1e-6)
    return centred / deviation * s[f"{at}.weight"] + s[f"{at}.bias"]


def over_channels(x: torch.Tensor, s: State, at: str) -> torch.Tensor:
    return norm(x.permute(0, 2, 3, 1), s, at).permute(0, 3, 1, 2)


def gelu(x: torch.Tensor) -> torch.Tensor:
    return 0.5 * x * (1.0 + torch.erf(x / 2.0**0.5))


def prepared(gray: npt.NDArray[np.uint8], recognizer: str) -> npt.NDArray[np.uint8]:
    """A gray line (H, W) as ModelScope prepares it: (1, 1, 32, 640 or 804) UINT8."""
    widest = WIDTH[recognizer]
    ratio = gray.shape[1] / float(gray.shape[0])
    width = widest if ratio > float(widest) / 32 else int(32 * ratio)
    padded = np.zeros((1, 1, 32, widest), np.uint8)
    padded[0, 0, :, :width] = cv2.resize(gray, (width, 32))
    return padded


def vocabulary(count: int) -> list[str]:
    """So many different characters."""
    return [chr(0x4E00 + index) for index in range(count)]


def read(recognizer: str, labels: list[int]) -> str:
    """The best classes of one line's steps to its text, as ModelScope decodes.

    Where its dictionary knows no such label, it fails; here U+FFFD is read.
    """
    first, last, text = FIRST_LABEL[recognizer], 0, ""
    characters = vocabulary(CLASSES - first)
    for label in labels:
        if label not in (last, 0):
            text += characters[label - first] if label >= first else "\ufffd"
        last = label
    return text


def configuration(recognizer: str, **changes: object) -> dict[str, object]:
    inference = {
        "img_height": 32,
        "img_width": WIDTH[recognizer],
        "do_chunking": recognizer == "ConvNextViT",
    }
    model = {"type": "OCRRecognition", "recognizer": recognizer}
    model["inference_kwargs"] = inference | changes
    return {
        "framework": "pytorch",
        "task": "ocr-recognition",
        "model": model,
        "preprocessor": {"type": "ocr-recognition"},
    }


def write_folder(folder: Path, recognizer: str, state: Mapping[str, torch.Tensor]) -> Path:
    """A model as one downloads it, with as many characters as the classes hold."""
    folder.mkdir(parents=True, exist_ok=True)
    characters = vocabulary(CLASSES - FIRST_LABEL[recognizer])
    (folder / "configuration.json").write_text(json.dumps(configuration(recognizer)))
    (folder / "vocab.txt").write_text("".join(f"{c}\n" for c in characters), encoding="utf-8")
    torch.save(dict(state), folder / "pytorch_model.pt")
    return folder
