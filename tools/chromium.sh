#!/usr/bin/env bash
# Brings a browser for the tests of pages where that is easy. Never fails: without one those tests are skipped.
set -uo pipefail

for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && exit 0
done

as_root=()
if [ "$(id -u)" != 0 ]; then
    as_root=(sudo -n)
fi

install() {
    command -v apt-get >/dev/null || return 1
    "${as_root[@]}" true 2>/dev/null || return 1
    echo "Installing chromium for the browser tests ..." >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium </dev/null >&2
}

install || echo "There is no Chromium here: the browser tests will be skipped." >&2
exit 0
