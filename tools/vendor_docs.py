"""Fetch the browser of the API's description from npm into `surfaces/api/static/vendor/`, with a manifest.

Run it with Node on the machine when the version below changes: `python tools/vendor_docs.py`. `--check` only compares the
files with the manifest.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from vendor import Entry, run, sha256, without_source_map

VENDOR = Path(__file__).resolve().parents[1] / "src/comptoir/surfaces/api/static/vendor"
NAME, VERSION, LICENCE = "rapidoc", "9.3.8", "MIT"
FILES = {
    "dist/rapidoc-min.js": "rapidoc-min.js",
    "LICENSE.txt": "licences/rapidoc.txt",
    "dist/rapidoc-min.js.LICENSE.txt": "licences/rapidoc-bundled.txt",
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
    without_source_map(VENDOR / "rapidoc-min.js")
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
