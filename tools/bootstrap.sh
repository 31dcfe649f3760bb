#!/usr/bin/env bash
# Makes .venv from uv.lock, with a pinned uv in .tools and the Python of this system.
set -euo pipefail
cd "$(dirname "$0")/.."

uv_version=0.13.9

say() { printf '%s\n' "$*" >&2; }

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    say "Comptoir needs Python 3.11 or newer, and finds none. On Debian or Ubuntu: apt-get install python3 python3-venv"
    return 1
}

# Debian keeps the part of Python that makes environments in a package of its own.
make_tools() {
    rm -rf .tools
    "$python" -m venv .tools >/dev/null 2>&1 && return
    rm -rf .tools
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing python3-venv ..."
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq </dev/null >&2
        apt-get install -y -qq --no-install-recommends python3-venv </dev/null >&2
        "$python" -m venv .tools
    else
        say "This Python cannot make environments. As root: apt-get install python3-venv, then run this again."
        return 1
    fi
}

python="$(find_python)"
if [ "$(.tools/bin/uv --version 2>/dev/null | cut -d' ' -f2)" != "$uv_version" ]; then
    make_tools
    .tools/bin/python -m pip install --quiet --disable-pip-version-check --no-input "uv==$uv_version"
fi

UV_PYTHON_DOWNLOADS=never .tools/bin/uv sync --quiet --frozen --all-extras --group dev --python "$python"
