"""Fetch the typeface of printed documents from npm into `surfaces/documents/static/vendor/`, with a manifest.

Run it with Node on the machine when the version below changes: `python tools/vendor_fonts.py`. `--check` only compares the
files with the manifest. It is the console's typeface, but whole and in single weights: the console's two files have one name
inside, and Pango takes letters of the one from the other.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from vendor import Entry, run, sha256

VENDOR = Path(__file__).resolve().parents[1] / "src/comptoir/surfaces/documents/static/vendor"
NAME, VERSION, LICENCE = "inter-ui", "4.1.1", "OFL-1.1"
FILES = {
    "web/Inter-Regular.woff2": "inter-regular.woff2",
    "web/Inter-SemiBold.woff2": "inter-semibold.woff2",
    "web/Inter-Bold.woff2": "inter-bold.woff2",
    "LICENSE.txt": "licences/inter-ui.txt",
}


def fetch() -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    (VENDOR / "licences").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "package.json").write_text(json.dumps({"private": True, "dependencies": {NAME: VERSION}}), encoding="utf-8")
        run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=work)
        for source, target in FILES.items():
            shutil.copyfile(work / "node_modules" / NAME / source, VENDOR / target)
    files = {target: sha256(VENDOR / target) for target in FILES.values()}
    manifest: list[Entry] = [{"name": NAME, "version": VERSION, "licence": LICENCE, "files": files}]
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def differences() -> list[str]:
    """What the files and the manifest disagree about, in sentences."""
    (entry,) = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
    there = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()} - {"manifest.json"}
    listed: dict[str, str] = entry["files"]
    return [f"{file} is in one of the two only" for file in sorted(there ^ listed.keys())] + [
        f"{file} is not the file of the manifest"
        for file in sorted(there & listed.keys())
        if sha256(VENDOR / file) != listed[file]
    ]


if __name__ == "__main__":
    if "--check" not in sys.argv:
        fetch()
    problems = differences()
    print("\n".join(problems) or "as in the manifest")
    sys.exit(bool(problems))
