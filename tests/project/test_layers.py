"""Who may import whom: the last column of the table in README's section on the folders."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# package -> (folder, packages of ours it may import)
LAYERS = {
    "ocr_preprocessing": ("preprocessing", set()),
    "ocr_rollout": ("rollout", set()),
    "ocr_server": ("server", set()),
    "ocr_client": ("client", {"ocr_preprocessing", "ocr_rollout"}),
    "ocr_export": ("export_scripts", {"ocr_preprocessing"}),
    "ocr_training": ("training", {"ocr_preprocessing", "ocr_export", "ocr_rollout"}),
    "ocr_evaluation": ("evaluation", {"ocr_client", "ocr_rollout", "ocr_training"}),
    "ocr_gateway": ("gateway", {"ocr_client", "ocr_rollout"}),
}


def imports(path: Path) -> set[str]:
    """First parts of all absolute imports of a file, wherever they stand in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").partition(".")[0])
    return found


def sources(package: str) -> list[Path]:
    files = sorted((ROOT / LAYERS[package][0] / package).rglob("*.py"))
    assert files, f"{package} has no sources where the table says"
    return files


def test_the_table_names_every_package():
    found = {path.parent.name for path in ROOT.glob("*/ocr_*/__init__.py")}
    assert found == set(LAYERS)


@pytest.mark.parametrize("package", LAYERS)
def test_a_package_imports_only_the_layers_below(package):
    allowed = LAYERS[package][1] | {package}
    for path in sources(package):
        ours = {name for name in imports(path) if name in LAYERS}
        assert ours <= allowed, f"{path.relative_to(ROOT)} imports {ours - allowed}"


def test_only_transport_and_control_import_tritonclient():
    found = {
        str(path.relative_to(ROOT))
        for package in LAYERS
        for path in sources(package)
        if imports(path) & {"tritonclient", "geventhttpclient"}
    }
    # Inference goes over HTTP in transport.py. Model control goes over gRPC in control.py: a load
    # over HTTP would stall the inference that runs on the same thread of Triton's.
    assert found == {"client/ocr_client/transport.py", "client/ocr_client/control.py"}


def test_the_rollout_core_is_pure():
    """No I/O, no clock, no chance of its own: the standard library's pure parts, numpy and scipy."""
    forbidden = {"time", "random", "socket", "os", "pathlib", "sqlite3", "threading", "secrets"}
    for path in (ROOT / "rollout/ocr_rollout/core").rglob("*.py"):
        used = imports(path)
        assert not used & forbidden, f"{path.name} imports {used & forbidden}"
        foreign = used - set(sys.stdlib_module_names) - {"ocr_rollout", "numpy", "scipy"}
        assert not foreign, f"{path.name} imports {foreign}"


def test_training_takes_nothing_but_arithmetic_from_the_rollout():
    for path in sources("ocr_training"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ocr_rollout"):
                assert node.module.startswith("ocr_rollout.core."), path.name


def test_only_made_sets_need_the_generator_of_training():
    """An A/B test runs where the extra [training] is not installed."""
    found = {
        path.parent.name for path in sources("ocr_evaluation") if "ocr_training" in imports(path)
    }
    assert found == {"made"}


@pytest.mark.parametrize(
    "package", ["ocr_client", "ocr_preprocessing", "ocr_rollout", "ocr_evaluation"]
)
def test_what_a_caller_installs_never_needs_torch(package):
    heavy = {"torch", "onnx", "onnxruntime", "fontTools", "jieba"}
    for path in sources(package):
        assert not imports(path) & heavy, path.name


def test_files_stay_small_enough_to_hold_in_the_head():
    for package in LAYERS:
        for path in sources(package):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 310, path.name
