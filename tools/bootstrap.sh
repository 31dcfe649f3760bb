#!/usr/bin/env bash
# Makes .venv from uv.lock, with a pinned uv in .tools and the Python of this system; brings what PDFs need where that is easy.
set -euo pipefail
cd "$(dirname "$0")/.."

uv_version=0.13.9

say() { printf '%s\n' "$*" >&2; }

# The distribution's own first: it is built with profile-guided optimisation, which most that are compiled at home are not, and
# that is a third of Python's speed. PYTHON=... is another choice.
pythons() {
    local candidate
    for candidate in ${PYTHON:-} /usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
        fi
    done
}

# Debian keeps the part of Python that makes environments in a package of its own; any Python can make this one.
make_tools() {
    local candidate
    for candidate in "${found[@]}"; do
        rm -rf .tools
        "$candidate" -m venv .tools >/dev/null 2>&1 && return
    done
    rm -rf .tools
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing python3-venv ..."
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq </dev/null >&2
        apt-get install -y -qq --no-install-recommends python3-venv </dev/null >&2
        /usr/bin/python3 -m venv .tools
    else
        say "This Python cannot make environments. As root: apt-get install python3-venv, then run this again."
        return 1
    fi
}

mapfile -t found < <(pythons)
if [ ${#found[@]} = 0 ]; then
    say "Comptoir needs Python 3.11 or newer, and finds none. On Debian or Ubuntu: apt-get install python3 python3-venv"
    exit 1
fi
if [ "$(.tools/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$uv_version" ]; then
    make_tools
    .tools/bin/python -m pip install --quiet --disable-pip-version-check --no-input "uv==$uv_version"
fi

UV_PYTHON_DOWNLOADS=never .tools/bin/uv sync --quiet --frozen --all-extras --group dev --python "${found[0]}"
tools/pango.sh
