"""Fetch what the console's pages need from npm, cut it down, and write it to `static/vendor/` with a manifest.

Run it with Node on the machine when a version below changes: `python tools/vendor.py`. What it writes is committed, so that
nobody else needs Node. `python tools/vendor.py --check` only compares the files with the manifest.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TypedDict

CONSOLE = Path(__file__).resolve().parents[1] / "src/comptoir/surfaces/console"
VENDOR = CONSOLE / "static/vendor"

PACKAGES = {
    "@tabler/core": "1.6.1",
    "@tabler/icons": "3.51.0",
    "htmx.org": "2.0.11",
    "htmx-ext-sse": "2.2.4",
    "idiomorph": "0.8.0",
    "echarts": "6.1.0",
    "@zxing/library": "0.23.0",
    "@fontsource-variable/inter": "5.3.0",
    "us-atlas": "3.0.1",
    "world-atlas": "2.0.2",
}
BUILD_ONLY = {"esbuild": "0.28.2", "topojson-client": "3.1.0", "topojson-simplify": "3.0.3"}

LICENCES = {
    "@tabler/core": "MIT",
    "@tabler/icons": "MIT",
    "htmx.org": "0BSD",
    "htmx-ext-sse": "0BSD",
    "idiomorph": "0BSD",
    "echarts": "Apache-2.0",
    "@zxing/library": "Apache-2.0",
    "@fontsource-variable/inter": "OFL-1.1",
    "us-atlas": "ISC",
    "world-atlas": "ISC",
}

ICONS = """
activity adjustments-horizontal alert-circle alert-triangle align-left archive arrow-back-up arrow-down arrow-down-right
arrow-left arrow-narrow-right arrow-right arrow-up arrow-up-right arrows-exchange arrows-sort arrows-split-2 ban barcode
basket bell bolt book box building-factory-2 building-store building-warehouse calculator calendar calendar-event cash
check checks chevron-down chevron-left chevron-right chevron-up circle circle-check circle-dashed circle-dot
circle-half-2 circle-x clipboard-check clipboard-list clock coin copy credit-card database device-floppy device-mobile
dots dots-vertical download edit exclamation-circle external-link eye eye-off file-import file-invoice file-text filter
filter-off flag git-fork git-merge gift hand-stop heart-handshake help-circle history home hourglass inbox info-circle
key keyboard language list list-check list-details lock lock-open login logout mail map-2 map-pin menu-2 message minus
moon note package package-export package-import package-off packages pencil percentage phone photo player-pause
player-play plug plug-connected plug-connected-x plus point printer progress receipt receipt-refund receipt-tax refresh
rotate route ruler scale search send server settings shield-check shield-lock shopping-bag shopping-cart shopping-cart-x
square-check sparkles stack-2 star subtask sun switch-horizontal table tag tags ticket timeline tool transfer trash
trending-down trending-up truck truck-delivery truck-return upload user user-circle user-plus users users-group versions
volume volume-off
wallet webhook wifi-off world world-www x zoom-question chart-bar chart-line report-analytics target device-desktop
""".split()  # noqa: SIM905 - a list of 180 quoted names would take as many lines

ECHARTS_ENTRY = """
import { use, init, registerMap, graphic } from 'echarts/core';
import { LineChart, BarChart, ScatterChart, PieChart, HeatmapChart, EffectScatterChart } from 'echarts/charts';
import { GridComponent, TooltipComponent, LegendComponent, GeoComponent, VisualMapComponent, DataZoomComponent,
  MarkLineComponent, AriaComponent } from 'echarts/components';
import { CanvasRenderer } from 'echarts/renderers';
use([LineChart, BarChart, ScatterChart, PieChart, HeatmapChart, EffectScatterChart, GridComponent, TooltipComponent,
  LegendComponent, GeoComponent, VisualMapComponent, DataZoomComponent, MarkLineComponent, AriaComponent, CanvasRenderer]);
export { init, registerMap, graphic };
"""

# What a browser without a BarcodeDetector of its own reads labels with. It has the same face: `detect(video)`. Every picture is
# looked at whole, and once more with its middle alone, where people hold what is small.
ZXING_ENTRY = """
import { BarcodeFormat, BinaryBitmap, DecodeHintType, HybridBinarizer, MultiFormatReader, RGBLuminanceSource }
  from '@zxing/library';
const formats = ['QR_CODE', 'EAN_13', 'EAN_8', 'UPC_A', 'UPC_E', 'CODE_128', 'CODE_39', 'ITF', 'DATA_MATRIX'];
const most = 960;
export class Detector {
  constructor() {
    this.reader = new MultiFormatReader();
    this.reader.setHints(new Map([
      [DecodeHintType.POSSIBLE_FORMATS, formats.map((name) => BarcodeFormat[name])], [DecodeHintType.TRY_HARDER, true],
    ]));
    this.canvas = document.createElement('canvas');
    this.turn = 0;
  }
  async detect(video) {
    const [width, height] = [video.videoWidth || video.width, video.videoHeight || video.height];
    if (!width || !height) { return []; }
    this.turn += 1;
    const part = this.turn % 2 ? 1 : 0.5;
    const [cutWidth, cutHeight] = [width * part, height * part];
    const scale = Math.min(1, most / Math.max(cutWidth, cutHeight));
    this.canvas.width = Math.max(1, Math.round(cutWidth * scale));
    this.canvas.height = Math.max(1, Math.round(cutHeight * scale));
    const pen = this.canvas.getContext('2d', { willReadFrequently: true });
    pen.drawImage(video, (width - cutWidth) / 2, (height - cutHeight) / 2, cutWidth, cutHeight,
      0, 0, this.canvas.width, this.canvas.height);
    const { data } = pen.getImageData(0, 0, this.canvas.width, this.canvas.height);
    const grey = new Uint8ClampedArray(this.canvas.width * this.canvas.height);
    for (let n = 0; n < grey.length; n += 1) {
      grey[n] = (data[4 * n] * 306 + data[4 * n + 1] * 601 + data[4 * n + 2] * 117) >> 10;
    }
    const source = new RGBLuminanceSource(grey, this.canvas.width, this.canvas.height);
    try {
      return [{ rawValue: this.reader.decodeWithState(new BinaryBitmap(new HybridBinarizer(source))).getText() }];
    } catch {
      return [];
    }
  }
}
"""

# Natural Earth numbers Western Sahara and a few disputed lands without an id; a name is enough for an outline. Coordinates keep
# two decimals (about a kilometre), and shapes smaller than a pixel of the widest map are left out.
MAPS_SCRIPT = """
const fs = require('fs');
const client = require('topojson-client');
const simplify = require('topojson-simplify');
const out = process.argv[2];
const read = (name) => JSON.parse(fs.readFileSync(require.resolve(name)));
const round = (c) => typeof c[0] === 'number' ? c.map((v) => Math.round(v * 100) / 100) : c.map(round);
const area = (ring) => Math.abs(ring.reduce((sum, p, i) => {
  const q = ring[(i + 1) % ring.length]; return sum + p[0] * q[1] - q[0] * p[1]; }, 0) / 2);
const same = (p, q) => p[0] === q[0] && p[1] === q[1];
const tidy = (ring) => ring.filter((p, i) => i === 0 || !same(p, ring[i - 1]));
const write = (file, topology, object, weight, smallest, keep) => {
  let topo = simplify.presimplify(topology);
  topo = simplify.simplify(topo, weight);
  const features = client.feature(topo, topo.objects[object]).features.filter((f) => f.geometry && keep(f)).map((f) => {
    const polygons = f.geometry.type === 'Polygon' ? [f.geometry.coordinates] : f.geometry.coordinates;
    const kept = polygons.map((rings) => rings.map(round).map(tidy).filter((r) => r.length > 3 && area(r) >= smallest))
      .filter((rings) => rings.length);
    return { type: 'Feature', properties: { name: f.properties.name },
      geometry: { type: 'MultiPolygon', coordinates: kept } };
  }).filter((f) => f.geometry.coordinates.length);
  fs.writeFileSync(`${out}/${file}`, JSON.stringify({ type: 'FeatureCollection', features }) + '\\n');
};
const outside = new Set(['60', '66', '69', '72', '78', '02', '15']);
write('us.geo.json', read('us-atlas/states-10m.json'), 'states', 0.004, 0.004, (f) => !outside.has(f.id));
write('world.geo.json', read('world-atlas/countries-110m.json'), 'countries', 0.02, 0.05,
  (f) => f.properties.name !== 'Antarctica');
const europe = new Set(['France', 'Belgium', 'Luxembourg', 'Germany', 'Switzerland', 'Italy', 'Spain', 'Portugal', 'Andorra',
  'Monaco', 'United Kingdom', 'Ireland', 'Netherlands', 'Denmark', 'Austria', 'Czechia', 'Poland', 'Slovenia', 'Croatia',
  'Liechtenstein', 'Hungary', 'Slovakia', 'Norway', 'Sweden', 'Bosnia and Herz.', 'Finland', 'Estonia', 'Latvia', 'Lithuania']);
const world50 = read('world-atlas/countries-50m.json');
for (const g of world50.objects.countries.geometries) {
  if (!europe.has(g.properties.name)) { g.type = null; }
}
write('europe.geo.json', world50, 'countries', 0.004, 0.01, (f) => europe.has(f.properties.name));
"""


class Entry(TypedDict):
    name: str
    version: str
    licence: str
    files: dict[str, str]


def run(*command: str, cwd: Path) -> None:
    subprocess.run(command, cwd=cwd, check=True)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def without_source_map(path: Path) -> None:
    """Drops the comment that points at a map which we do not ship: a browser with its tools open would ask for it."""
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"\n?/[/*]# sourceMappingURL=\S+(?: ?\*/)?\s*$", "\n", text), encoding="utf-8")


def sprite(icons: Path) -> str:
    symbols: list[str] = []
    for name in sorted(set(ICONS)):
        svg = (icons / f"{name}.svg").read_text(encoding="utf-8")
        body = svg[svg.index(">", svg.index("<svg")) + 1 : svg.index("</svg>")]
        body = re.sub(r'<path stroke="none" d="M0 0h24v24H0z" fill="none" ?/>', "", body)
        body = re.sub(r"\s*\n\s*", "", body).strip()
        symbols.append(
            f'<symbol id="{name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" '
            f'stroke-linecap="round" stroke-linejoin="round">{body}</symbol>',
        )
    return '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"


def licence_text(package: Path, name: str) -> str:
    for file in ("LICENSE", "LICENSE.md", "LICENSE.txt"):
        if (package / file).is_file():
            notice = package / "NOTICE"
            return (package / file).read_text(encoding="utf-8") + (
                notice.read_text(encoding="utf-8") if notice.is_file() else ""
            )
    if name == "@tabler/core":  # its package leaves the file out; the icons are by the same people under the same licence
        return (package.parent / "icons/LICENSE").read_text(encoding="utf-8").replace("2020-2026", "2018-2026")
    raise SystemExit(f"{name} has no licence file")


def collect(modules: Path, work: Path) -> dict[str, list[str]]:
    """Copies or builds every file into VENDOR; returns the files of each package."""

    def copy(source: str, target: str) -> str:
        shutil.copyfile(modules / source, VENDOR / target)
        without_source_map(VENDOR / target) if target.endswith((".js", ".css")) else None
        return target

    (VENDOR / "icons.svg").write_text(sprite(modules / "@tabler/icons/icons/outline"), encoding="utf-8")
    (work / "entry.js").write_text(ECHARTS_ENTRY, encoding="utf-8")
    run(
        "npx", "esbuild", "entry.js", "--bundle", "--minify", "--format=iife", "--global-name=echarts", "--legal-comments=none",
        '--define:process.env.NODE_ENV="production"', f"--outfile={VENDOR / 'echarts.min.js'}", cwd=work,
    )  # fmt: skip
    (work / "reader.js").write_text(ZXING_ENTRY, encoding="utf-8")
    run(
        "npx", "esbuild", "reader.js", "--bundle", "--minify", "--format=iife", "--global-name=zxing", "--legal-comments=none",
        "--drop:console",  # it warns of every picture without a label
        f"--outfile={VENDOR / 'zxing.min.js'}", cwd=work,
    )  # fmt: skip
    (work / "maps.cjs").write_text(MAPS_SCRIPT, encoding="utf-8")
    run("node", "maps.cjs", str(VENDOR), cwd=work)
    fonts = "@fontsource-variable/inter/files"
    return {
        "@tabler/core": [copy("@tabler/core/dist/css/tabler.min.css", "tabler.min.css")],
        "@tabler/icons": ["icons.svg"],
        "htmx.org": [copy("htmx.org/dist/htmx.min.js", "htmx.min.js")],
        "htmx-ext-sse": [copy("htmx-ext-sse/dist/sse.min.js", "htmx-sse.min.js")],
        "idiomorph": [copy("idiomorph/dist/idiomorph-ext.min.js", "idiomorph-htmx.min.js")],
        "echarts": ["echarts.min.js"],
        "@zxing/library": ["zxing.min.js"],
        "@fontsource-variable/inter": [
            copy(f"{fonts}/inter-latin-wght-normal.woff2", "inter-latin.woff2"),
            copy(f"{fonts}/inter-latin-ext-wght-normal.woff2", "inter-latin-ext.woff2"),
        ],
        "us-atlas": ["us.geo.json"],
        "world-atlas": ["world.geo.json", "europe.geo.json"],
    }


def vendor() -> None:
    shutil.rmtree(VENDOR, ignore_errors=True)
    (VENDOR / "licences").mkdir(parents=True)
    manifest: list[Entry] = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "package.json").write_text(
            json.dumps({"private": True, "dependencies": PACKAGES | BUILD_ONLY}), encoding="utf-8"
        )
        run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", cwd=work)
        files = collect(work / "node_modules", work)
        for name, version in PACKAGES.items():
            licence = f"licences/{name.replace('@', '').replace('/', '-')}.txt"
            (VENDOR / licence).write_text(licence_text(work / "node_modules" / name, name), encoding="utf-8")
            hashes = {file: sha256(VENDOR / file) for file in [*files[name], licence]}
            manifest.append({"name": name, "version": version, "licence": LICENCES[name], "files": hashes})
    (VENDOR / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def differences() -> list[str]:
    """What the files and the manifest disagree about, in sentences."""
    manifest: list[Entry] = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
    listed = {file: digest for entry in manifest for file, digest in entry["files"].items()}
    there = {str(path.relative_to(VENDOR)) for path in VENDOR.rglob("*") if path.is_file()} - {"manifest.json"}
    return (
        [f"{file} is not in the manifest" for file in sorted(there - listed.keys())]
        + [f"{file} is missing" for file in sorted(listed.keys() - there)]
        + [
            f"{file} is not the file of the manifest"
            for file in sorted(there & listed.keys())
            if sha256(VENDOR / file) != listed[file]
        ]
    )


if __name__ == "__main__":
    if "--check" not in sys.argv:
        vendor()
    problems = differences()
    print(
        "\n".join(problems)
        or f"{sum(p.stat().st_size for p in VENDOR.rglob('*') if p.is_file()) / 1e6:.2f} MB, as in the manifest"
    )
    sys.exit(bool(problems))
