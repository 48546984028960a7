"""What `ocrctl recognize` refuses before anything is read."""

import pytest
from typer.testing import CliRunner

from ocr_client.cli.recognize import app


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "docx"], "accepted: text, json, markdown, html, csv, hocr, alto or pdf"),
        (["--json", "--format", "pdf"], "choose one of them"),
        (["--out", "x.unknown"], "name a --format"),
        (["--out", "nowhere/x.pdf"], "there is no folder nowhere"),
        (["--pages", "3-1"], "ends before it begins"),
        (["--visualize", "page.png"], "is a file; name a folder"),
        (["--font", "none.ttf"], "no such file"),
        (["-", "-"], "stdin can be read only once"),
    ],
)
def test_wrong_usage_is_told_in_words(arguments, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "page.png").write_bytes(b"")
    run = CliRunner().invoke(app, ["page.png", *arguments])
    assert (run.exit_code, run.stdout) == (2, "")
    assert words in " ".join(run.stderr.replace("│", " ").split())
