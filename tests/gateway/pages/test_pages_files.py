"""The pages' files: both languages say everything, nothing is inline, and browsers may keep them."""

import json
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from ocr_gateway.routes import pages

FOLDER = pages.FOLDER
SOURCES = sorted(path for path in FOLDER.rglob("*") if path.suffix in {".html", ".js", ".css"})
CODE = [path for path in SOURCES if path.suffix == ".js" and path.parent.name != "words"]
LANGUAGES = ("en", "zh")


def catalogue(language):
    text = (FOLDER / f"code/words/{language}.js").read_text(encoding="utf-8")
    said = re.fullmatch(r"export default (\{.*\});\n", text, re.DOTALL)
    assert said, f"{language}.js is not one JSON object"

    def once(pairs):
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), f"twice in {language}.js"
        return dict(pairs)

    return json.loads(said[1], object_pairs_hook=once)


def relative(path):
    return str(path.relative_to(FOLDER))


def test_both_languages_say_the_same_things():
    en, zh = map(catalogue, LANGUAGES)
    assert list(en) == list(zh), "the same keys in the same order"
    for key in en:
        places = [set(re.findall(r"\{(\w+)\}", words[key])) for words in (en, zh)]
        assert places[0] == places[1], key
        assert zh[key].strip(), key


def test_every_key_that_is_used_is_said_and_every_other_one_is_gone():
    said = set(catalogue("en"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*CODE, *FOLDER.glob("*.html")])
    groups = {key.partition(".")[0] for key in said}
    used = set(re.findall(rf"['\"`]((?:{'|'.join(groups)})\.[a-z_.]+)['\"`]", text))
    begun = tuple(re.findall(rf"`((?:{'|'.join(groups)})\.[a-z_.]*)\$\{{", text))
    assert used <= said, used - said
    assert begun, "keys that end in a word of the service's"
    assert not {key for key in said - used if not key.startswith(begun)}


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_is_inline_and_no_text_becomes_html(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\.(inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(", text)
    if path.suffix == ".html":
        assert not re.search(r"\s(style|on\w+)=", text)
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style", text)


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_nothing_comes_from_another_host(path):
    text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|[\"'(]//", text)


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_files_stay_small_enough_to_hold_in_the_head(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 310


@pytest.mark.parametrize("page", sorted(FOLDER.glob("*.html")), ids=relative)
def test_a_page_loads_ahead_just_the_modules_that_it_needs(page):
    """Otherwise a browser finds them one after the other, or loads what nobody imports."""
    text = page.read_text(encoding="utf-8")
    (main,) = re.findall(r'<script type="module" src="/pages/([^"]+)"', text)
    needed, new = set(), {FOLDER / main}
    while new:
        needed |= new
        found = {
            (path.parent / name).resolve()
            for path in new
            for name in re.findall(r"from '(\.[^']+)'", path.read_text(encoding="utf-8"))
        }
        new = found - needed
    ahead = set(re.findall(r'<link rel="modulepreload" href="/pages/([^"]+)"', text))
    assert ahead == {relative(path) for path in needed} - {main}


@pytest.fixture(scope="module")
def http():
    app = FastAPI()
    app.include_router(pages.router)
    return TestClient(app)


@pytest.mark.parametrize("address", ["/", "/rollout", "/review", "/pages/style/base.css"])
def test_a_browser_that_has_it_is_told_so(http, address):
    first = http.get(address)
    assert first.status_code == 200
    again = http.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = http.get(address, headers={"If-None-Match": '"another"'})
    assert other.content == first.content
    assert http.head(address).headers["Content-Length"] == str(len(first.content))


def test_pages_may_run_our_scripts_only(http):
    policy = http.get("/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "", "..%2fapp.py", "code/../../app.py", "%2e%2e/app.py", "/etc/passwd", "code"],
)
def test_only_the_files_in_the_folder_are_there(http, name):
    answer = http.get(f"/pages/{name}")
    assert answer.status_code == 404
    assert b"import" not in answer.content


def test_all_that_is_served_is_found_in_an_installed_package():
    """The wheel takes the package's folder as it is; a file of another type would not be served."""
    others = {path.suffix for path in FOLDER.rglob("*") if path.is_file()} - set(pages.TYPES)
    assert not others
    assert Path(pages.__file__).parents[1] / "pages" == FOLDER
