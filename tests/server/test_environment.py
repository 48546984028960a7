"""The server's own Python environment: which machine, which Python, made whole or not at all."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import types
from pathlib import Path

import pytest

from ocr_server import EnvironmentUnavailableError, environment, interpreters
from ocr_server.triton_process import BACKEND

LOCK = environment.LOCK.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (("Linux", "aarch64", (2, 39)), "x86-64 only, this is Linux aarch64"),
        (("Darwin", "x86_64", None), "x86-64 only, this is Darwin x86_64"),
        (("Linux", "x86_64", (2, 31)), "needs glibc 2.35 or newer, this machine has 2.31"),
        (("Linux", "x86_64", None), "another C library"),  # musl
    ],
)
def test_a_machine_where_the_binary_cannot_run_is_refused(machine, reason: str) -> None:
    with pytest.raises(EnvironmentUnavailableError, match=reason):
        environment.refuse_machine(*machine)


def test_glibc_is_compared_as_numbers() -> None:
    environment.refuse_machine("Linux", "x86_64", (2, 35))
    environment.refuse_machine("Linux", "x86_64", (2, 100))


def test_the_environment_changes_with_lock_and_python() -> None:
    keys = {environment.key(lock, minor) for lock in (b"a", b"b") for minor in ("3.11", "3.12")}
    assert len(keys) == 4


def test_every_package_of_the_lock_is_pinned_with_hashes_and_names_no_host() -> None:
    pins = [line for line in LOCK.splitlines() if "==" in line and not line.startswith("#")]
    names = sorted(pin.split("==")[0] for pin in pins)
    assert names == ["grpcio", "numpy", "nvidia-pytriton", "onnxruntime"]
    assert "numpy==1." in LOCK
    assert LOCK.count("--hash=sha256:") >= len(pins)
    assert "://" not in LOCK


def fake_python(folder: Path, name: str, answer: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return path


def test_the_first_python_that_fits_is_taken(tmp_path: Path) -> None:
    new = fake_python(tmp_path, "new", '["3.13", "/usr/bin/python3.13", "/usr/lib"]')
    shim = tmp_path / "shim"  # a pyenv shim of a version that is not switched on
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    static = fake_python(tmp_path, "static", '["3.12", "/usr/bin/python3.12", null]')
    good = fake_python(tmp_path, "good", '["3.10", "/opt/bin/python3.10", "/opt/lib"]')
    chosen = interpreters.choose([new, tmp_path / "missing", shim, static, good])
    assert chosen == interpreters.Interpreter(Path("/opt/bin/python3.10"), "3.10", Path("/opt/lib"))


def test_without_a_python_below_3_13_the_error_says_what_to_install(tmp_path: Path) -> None:
    new = fake_python(tmp_path, "new", '["3.13", "/usr/bin/python3.13", "/usr/lib"]')
    with pytest.raises(EnvironmentUnavailableError, match=r"needs Python 3\.10, 3\.11 or 3\.12"):
        interpreters.choose([new])


def test_without_the_shared_libpython_the_error_names_the_package(tmp_path: Path) -> None:
    static = fake_python(tmp_path, "static", '["3.11", "/usr/bin/python3.11", null]')
    with pytest.raises(EnvironmentUnavailableError, match=r"apt-get install libpython3\.11"):
        interpreters.choose([static])


@pytest.mark.parametrize(
    ("what", "output", "reason"),
    [
        (
            "pip",
            "WARNING: Retrying ... NewConnectionError(...)\nERROR: Could not find a version",
            "package index is not reachable",
        ),
        (
            "pip",
            "noise\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\nx",
            "DO NOT MATCH THE HASHES",
        ),
        ("venv", "Error: Command '[...] ensurepip' returned 1", "install python3-venv"),
        ("import", "Traceback ...\nImportError: libstdc++.so.6", "ImportError: libstdc"),
        ("import", "", "printed nothing"),
    ],
)
def test_a_failed_step_is_told_in_one_line(what: str, output: str, reason: str) -> None:
    line = environment.explain(what, output)
    assert reason in line
    assert "\n" not in line


def test_a_half_made_environment_is_never_left_or_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pip refuses a lock without hashes before it asks any index."""
    bad = tmp_path / "requirements.lock"
    bad.write_text("numpy==1.26.4\n")
    monkeypatch.setattr(environment, "LOCK", bad)
    monkeypatch.setenv("OCR_ROLLOUT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    said: list[str] = []
    with pytest.raises(EnvironmentUnavailableError, match="cannot install"):
        environment.ensure(said.append)
    left = [path.name for path in (tmp_path / "cache" / "server-env").iterdir()]
    assert left == [".lock"]
    assert "once" in said[0]


@pytest.mark.server
def test_the_made_environment_holds_what_the_server_needs() -> None:
    own = environment.ensure()
    assert own.tritonserver.is_file()
    code = "import grpc, numpy, onnxruntime; print(numpy.__version__, onnxruntime.__version__)"
    done = subprocess.run(
        [own.python, "-c", code], env=own.variables(), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1.26.4", "1.19.2"]


@pytest.mark.server
def test_nothing_of_the_callers_python_reaches_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("LD_PRELOAD", "/elsewhere.so")
    variables = environment.ensure().variables()
    assert "/elsewhere" not in " ".join(variables.values())


@pytest.fixture
def backend_model(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """model.py, which runs in the stub, imported beside a stand-in for the stub's module."""
    stub = types.ModuleType("triton_python_backend_utils")
    stub.TritonModelException = type("TritonModelException", (Exception,), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "triton_python_backend_utils", stub)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec = importlib.util.spec_from_file_location("backend_model", BACKEND / "model.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_backend_refuses_numpy_2(backend_model: types.ModuleType) -> None:
    """With it every output would arrive with zero bytes and no error."""
    backend_model.refuse_numpy("1.26.4")
    for version in ("2.0.0", "2.3.1", "10.0"):
        with pytest.raises(Exception, match="needs numpy<2"):
            backend_model.refuse_numpy(version)


def test_settings_have_the_native_backends_names_and_defaults(
    backend_model: types.ModuleType,
) -> None:
    def options(**parameters: str):
        entries = {
            key.replace("__", "."): {"string_value": value} for key, value in parameters.items()
        }
        return backend_model.session_options({"parameters": entries})

    default = options()
    assert default.intra_op_num_threads == 0
    assert default.enable_cpu_mem_arena
    assert default.enable_mem_pattern
    chosen = options(
        intra_op_thread_count="2",
        inter_op_thread_count="1",
        enable_mem_arena="0",
        enable_mem_pattern="false",
        execution_mode="1",
    )
    assert (chosen.intra_op_num_threads, chosen.inter_op_num_threads) == (2, 1)
    assert not chosen.enable_cpu_mem_arena
    assert not chosen.enable_mem_pattern
    assert chosen.execution_mode.name == "ORT_PARALLEL"
    for wrong in ({"intra_op_thread_count": "two"}, {"enable_mem_arena": "maybe"}):
        with pytest.raises(Exception, match=next(iter(wrong))):
            options(**wrong)


def test_errors_of_onnxruntime_get_the_native_backends_words(
    backend_model: types.ModuleType,
) -> None:
    fault = RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status\nmore")
    assert backend_model.onnx_error(fault) == "onnx runtime error 6: Non-zero status\nmore"
    assert backend_model.onnx_error(KeyError("x")) == "onnx runtime error 1: KeyError: 'x'"
