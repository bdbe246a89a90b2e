"""Makes this folder's files anew from the npm packages README.md names: `python make.py FOLDER_OF_TGZ`.

Standard library only; the same packages make the same bytes.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import tarfile
from pathlib import Path

HERE = Path(__file__).parent
FILES = {
    "d3": ("dist/d3.min.js", "d3.min.js"),
    "@observablehq/plot": ("dist/plot.umd.min.js", "plot.umd.min.js"),
    "katex": ("dist/katex.min.js", "katex.min.js"),
}
"""Package -> its file, and what that is called here."""
HEAD = "# Licences of what lies here\n\nEach package by its npm name: three, then what is inside them."

Package = dict[str, bytes]


def unpacked(tgz: Path) -> Package:
    """Name inside the package -> bytes."""
    with tarfile.open(tgz) as tar:
        files = [(one.name.removeprefix("package/"), tar.extractfile(one)) for one in tar if one.isfile()]
        return {name: file.read() for name, file in files if file}


def with_fonts(package: Package) -> str:
    """KaTeX's style with every font inside it, as woff2 alone: what reads the page reads that."""

    def inlined(found: re.Match[str]) -> str:
        font = base64.b64encode(package[f"dist/{found[1]}"]).decode()
        return f'src:url(data:font/woff2;base64,{font}) format("woff2")'

    style = package["dist/katex.min.css"].decode()
    style, count = re.subn(r"src:url\((fonts/[\w-]+\.woff2)\)[^;}]*", inlined, style)
    assert count == style.count("@font-face"), "a font's address is written in another way"
    assert "url(fonts" not in style
    return style


def licence(name: str, package: Package) -> str:
    about = json.loads(package["package.json"])
    [text] = [text for file, text in package.items() if re.fullmatch(r"LICENSE(\.\w+)?", file)]
    return f"## {name} {about['version']} ({about['license']})\n\n```\n{text.decode().strip()}\n```"


def main(folder: Path) -> None:
    packages = {json.loads(one["package.json"])["name"]: one for one in map(unpacked, folder.glob("*.tgz"))}
    for name, (file, here) in FILES.items():
        (HERE / here).write_bytes(packages[name][file])
    (HERE / "katex.css").write_text(with_fonts(packages["katex"]))
    names = [*FILES, *sorted(packages.keys() - FILES.keys())]
    texts = [HEAD, *(licence(name, packages[name]) for name in names)]
    (HERE / "LICENSES.md").write_text("\n\n".join(texts) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
