"""What a command line may name, good and bad: bounded time and memory, and one clear line."""

import re
import shutil
import threading
import tracemalloc

import numpy as np
import pytest
from awake import Awake
from made_pages import LOCKED, blank, page, pdf, tiff, written
from PIL import Image
from scripted import CLOSE, HANG, Scripted, http

from ocr_client.pages.sources import Missing, PageError, Wanted, pages_of
from ocr_client.pages.sources.ranges import PageRanges
from ocr_client.pages.sources.remote import FetchLimits, fetched, is_public


def found(*names, **wanted):
    return list(pages_of(map(str, names), Wanted(**wanted)))


def errors(*names, **wanted):
    return [str(one.error) for one in found(*names, **wanted) if isinstance(one, Missing)]


@pytest.fixture
def folder(tmp_path):
    Image.fromarray(page()).save(tmp_path / "b.png")
    Image.fromarray(page()).save(tmp_path / "a.JPG")
    (tmp_path / "c.pdf").write_bytes(pdf(written("one"), written("two")))
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "inner").mkdir()
    return tmp_path


def test_a_folder_is_its_images_and_pdfs_by_name(folder):
    pages = [(one.file.rpartition("/")[2], one.number, one.count) for one in found(folder)]
    assert pages == [("a.JPG", 1, 1), ("b.png", 1, 1), ("c.pdf", 1, 2), ("c.pdf", 2, 2)]


def test_a_pattern_that_the_shell_left_alone_is_matched_here(folder):
    assert [one.file for one in found(folder / "*.p*")] == [
        str(folder / "b.png"),
        *[str(folder / "c.pdf")] * 2,
    ]
    assert errors(folder / "*.webp") == [f"{folder / '*.webp'}: no file matches"]


def test_a_folder_without_images_says_so(folder):
    assert errors(folder / "inner") == [f"{folder / 'inner'}: is a folder without images or PDFs"]


def test_what_is_missing_stands_in_its_place_and_stops_nothing(folder):
    pages = found(folder / "b.png", "ftp://host/a.png", folder / "a.JPG")
    assert [isinstance(one, Missing) for one in pages] == [False, True, False]


def test_pages_of_a_pdf_are_drawn_at_the_dots_that_were_asked_for(folder):
    (first, second) = found(folder / "c.pdf", dpi=144)
    gray = first.source()
    assert (gray.shape, gray.dtype) == ((600, 840), np.uint8)
    assert (gray.min() < 100, np.median(gray)) == (True, 255)
    picture, dpi = second.picture()
    assert (picture.size, picture.mode) == ((840, 600), "RGB")
    assert dpi == pytest.approx(144)


def test_only_the_pages_that_are_asked_for(folder):
    assert [one.number for one in found(folder / "c.pdf", ranges=PageRanges.parse("2-"))] == [2]
    assert errors(folder / "c.pdf", ranges=PageRanges.parse("7")) == [
        f"{folder / 'c.pdf'}: has 2 pages, none of those asked for"
    ]


def test_the_text_of_a_pdf_is_there_where_it_has_one(folder):
    (folder / "d.pdf").write_bytes(pdf(written("Total due: 45.90", "Thank you"), "0 0 m"))
    first, second = found(folder / "d.pdf")
    layer = first.layer()
    assert layer.text == "Total due: 45.90\n\nThank you"
    assert (layer.width, layer.height) == (1167, 834)
    left, top, right, bottom = layer.lines[0].box
    ink = np.argwhere(first.source()[: round(bottom) + 20] < 128)
    assert (top, left) == pytest.approx(ink.min(axis=0), abs=3)
    assert right == pytest.approx(ink.max(axis=0)[1], abs=4)
    assert second.layer() is None


BAD_PDFS = {
    "empty": (pdf(), "has no pages"),
    "broken": (b"%PDF-1.7\n" + b"\0" * 4_000, "is no PDF that can be read"),
    "cut off": (pdf(written("a"))[:120], "is no PDF that can be read"),
    "locked": (pdf(written("a"), extra=LOCKED), "needs a password"),
    "boasting": (pdf(written("a"), claim=100_000), "says that it has 100,000 pages"),
}


@pytest.mark.parametrize("name", BAD_PDFS)
def test_a_pdf_that_cannot_be_read_says_why(name, tmp_path):
    content, words = BAD_PDFS[name]
    path = tmp_path / "bad.pdf"
    path.write_bytes(content)
    with Awake() as took:
        (error,) = errors(path)
    assert error.startswith(f"{path}: ")
    assert words in error
    assert took.s < 5


def test_a_pdf_of_a_boaster_is_read_where_pages_are_asked_for(tmp_path):
    (tmp_path / "bad.pdf").write_bytes(pdf(written("a"), claim=100_000))
    first, second = found(tmp_path / "bad.pdf", ranges=PageRanges.parse("1-2"))
    assert first.source().shape == (834, 1167)
    with pytest.raises(PageError, match="page 2 is damaged"):
        second.source()


def test_a_huge_page_of_a_pdf_is_drawn_as_large_as_the_limit_allows(tmp_path):
    huge = pdf(written("a")).replace(b"[0 0 420 300]", b"[0 0 14400 14400]")
    (tmp_path / "huge.pdf").write_bytes(huge)
    (only,) = found(tmp_path / "huge.pdf", max_pixels=1_000_000)
    assert only.source().size <= 1_000_000


def test_a_tiff_of_500_frames_is_500_pages_one_in_memory(tmp_path):
    """Each is decoded when it is read."""
    path = tiff([np.full((400, 300), n % 250, np.uint8) for n in range(500)], tmp_path / "many.tif")
    pages = found(path)
    assert [one.number for one in pages] == list(range(1, 501))
    tracemalloc.start()
    levels = [int(one.source()[0, 0]) for one in pages]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert levels == [n % 250 for n in range(500)]
    assert most < 20 * 400 * 300
    pages[0].close()
    assert errors(path, ranges=PageRanges.parse("501-")) == [
        f"{path}: has 500 pages, none of those asked for"
    ]


def test_frames_are_read_in_any_order_and_by_several_threads(tmp_path):
    path = tiff([np.full((40, 30), n, np.uint8) for n in range(50)], tmp_path / "many.tif")
    pages, wrong = found(path), []

    def read(some):
        wrong.extend(one.number for one in some if one.source()[0, 0] != one.number - 1)

    threads = [threading.Thread(target=read, args=(pages[n::4][::-1],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# Addresses: `look_up` says that a public name leads to where the test listens.

PUBLIC = "93.184.216.34"


@pytest.fixture
def server():
    servers = []

    def start(*steps):
        servers.append(Scripted(*steps))
        return servers[-1]

    yield start
    for one in servers:
        one.close()


def fetch(url, **limits):
    return fetched(url, FetchLimits(**{"timeout_s": 5, **limits}))


def test_an_address_is_fetched_where_it_may_be(server):
    url = f"http://{server(http(200, b'content')).url}/a.png"
    assert fetch(url, allow_private=True) == b"content"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"],
)
def test_this_machine_is_not_asked_however_it_is_written(host, server):
    one = server(http(200, b"secret"))
    port = one.url.rpartition(":")[2]
    with pytest.raises(PageError, match=r"public internet|not known|accepted"):
        fetch(f"http://{host}:{port}/")
    assert one.connections == 0


def test_a_redirect_to_a_private_address_is_refused(server):
    """After the first answer, and without a connection to the second address."""
    inner = server(http(200, b"secret"))
    outer = server(http(302, b"", headers=f"Location: http://{inner.url}/\r\n"))
    host, _, port = outer.url.partition(":")

    def look_up(name, _port):
        return (host,) if name == "pictures.example" else ("10.1.2.3",)

    with pytest.MonkeyPatch.context() as patch:
        real = is_public
        patch.setattr(
            "ocr_client.pages.sources.remote.is_public", lambda one: one == host or real(one)
        )
        with pytest.raises(PageError, match=r"10\.1\.2\.3, which is not on the public internet"):
            fetched(f"http://pictures.example:{port}/", FetchLimits(timeout_s=5), look_up)
    assert (outer.connections, inner.connections) == (1, 0)


def test_the_address_that_was_judged_is_the_one_that_is_asked(server):
    """A name that leads elsewhere at the second look-up gains nothing: there is none."""
    one = server(http(200, b"content"))
    port = one.url.rpartition(":")[2]
    looked = []

    def look_up(name, _port):
        looked.append(name)
        return ("127.0.0.1",)

    limits = FetchLimits(timeout_s=5, allow_private=True)
    assert fetched(f"http://no-such-host.example:{port}/a", limits, look_up) == b"content"
    assert looked == ["no-such-host.example"]
    assert b"Host: no-such-host.example" in one.requests[0]


def test_one_private_address_among_others_is_enough_to_refuse():
    with pytest.raises(PageError, match=r"192\.168\.0\.9"):
        fetched("http://mixed.example/", FetchLimits(), lambda *_: (PUBLIC, "192.168.0.9"))


def test_redirects_end(server):
    steps = [http(302, b"", headers="Location: /again\r\n")] * 7
    one = server(*[(step, CLOSE) for step in steps])
    with pytest.raises(PageError, match="redirects more than 5 times"):
        fetch(f"http://{one.url}/", allow_private=True)


@pytest.mark.parametrize(
    ("target", "words"),
    [("file:///etc/passwd", "redirects to file:///etc/passwd"), ("ftp://host/x", "redirects to")],
)
def test_a_redirect_leads_to_http_only(target, words, server):
    one = server((http(302, b"", headers=f"Location: {target}\r\n"), CLOSE))
    with pytest.raises(PageError, match=words):
        fetch(f"http://{one.url}/", allow_private=True)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (http(404, b"no"), "HTTP 404"),
        (http(200, b"x" * 2_000), "is larger than"),
        (http(200, b""), "answers with nothing"),
        (HANG, "no whole answer within 0.5 s"),
    ],
    ids=["404", "large", "empty", "slow"],
)
def test_what_is_wrong_with_an_answer_is_told(step, words, server):
    url = f"http://{server(step).url}/"
    with pytest.raises(PageError, match=words):
        fetch(url, allow_private=True, most_bytes=1_000, timeout_s=0.5)


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://host/a.png", "http://user:word@host/", "http://", "gopher://h"],
)
def test_other_addresses_are_no_addresses(url):
    assert "accepted: http://HOST/PATH" in errors(url)[0]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        (PUBLIC, True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("172.20.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
        ("fd00::1", False),
        ("fe80::1%eth0", False),
    ],
)
def test_which_addresses_are_public(address, public):
    assert is_public(address) is public


def test_an_image_whose_picture_has_gone_says_so(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(blank()).save(path)
    (one,) = found(path)
    path.unlink()
    with pytest.raises(PageError, match=r"a\.png: cannot be shown"):
        one.picture()


def test_folders_in_folders_are_read_where_that_is_asked_for(folder, tmp_path):
    """Once each, whatever links lead back, and without what is hidden."""
    deep = folder / "inner" / "deeper"
    deep.mkdir()
    shutil.copy(folder / "b.png", deep / "z.png")
    shutil.copy(folder / "b.png", folder / ".b.png")
    (folder / "notes.doc").write_text("no image")
    (deep / "back").symlink_to(folder)
    (deep / "gone.png").symlink_to(tmp_path / "nowhere.png")
    told = []
    flat = [page.file for page in pages_of([str(folder)], Wanted(tell=told.append))]
    whole = [
        page.file for page in pages_of([str(folder)], Wanted(recursive=True, tell=told.append))
    ]
    assert [file for file in whole if file not in flat] == [str(deep / "z.png")]
    assert whole[: len(flat)] == flat
    assert len(told) == 2
    assert re.search(
        r"left out: \d+ files? that .*, 1 hidden one, 1 folder \(--recursive\)$", told[0]
    )
    assert re.search(r"1 hidden one, 1 link to a folder$", told[1])
