#!/usr/bin/env bash
# Brings the libraries that PDFs are made with: Pango and HarfBuzz. Never fails: everything but documents works without them.
set -uo pipefail
cd "$(dirname "$0")/.."

packages=(libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0)

there() {
    .venv/bin/python -W error -c 'import weasyprint' >/dev/null 2>&1
}

there && exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    as_root=(sudo -n)
fi

install() {
    command -v apt-get >/dev/null || return 1
    "${as_root[@]}" true 2>/dev/null || return 1
    echo "Installing ${packages[*]} for documents as PDF ..." >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >&2
}

install && there && exit 0

cat >&2 <<END
This machine lacks the libraries that PDFs are made with: everything else works, documents answer "documents_unavailable".
  Debian, Ubuntu   apt-get install ${packages[*]}
  Fedora           dnf install pango
  Alpine           apk add pango
  macOS            brew install pango
END
exit 0
