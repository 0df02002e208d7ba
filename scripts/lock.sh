#!/usr/bin/env bash
# Write requirements.lock from pyproject.toml: what demo, test, check and docs need, with hashes.
# Run it under Python 3.11, the oldest supported, so that every later one can install the result.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${1:-.venv/bin/python}"
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
    echo "spikeloom lock: needs a .venv with Python 3.11" >&2
    exit 1
}
wanted="$(mktemp -d)/requirements.in"
trap 'rm -r "$(dirname "$wanted")"' EXIT

"$python" - > "$wanted" <<'PYTHON'
import tomllib

with open("pyproject.toml", "rb") as file:
    settings = tomllib.load(file)
extras = settings["project"]["optional-dependencies"]
wanted = settings["project"]["dependencies"]
for extra in ("sim", "numba", "boards", "events"):
    wanted += extras[extra]
print(*wanted, *settings["dependency-groups"]["dev"], sep="\n")
PYTHON
# Debian 12 has Python 3.11.2; later releases of these ask for 3.11.5.
echo "soupsieve<3.0.2" >> "$wanted"

# Wheels only: nothing is compiled during set-up. No address of an index goes into the file: it is
# installed from whatever index is configured.
CUSTOM_COMPILE_COMMAND="make lock" "$python" -m piptools compile --quiet --generate-hashes \
    --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
    --no-emit-options --no-annotate --pip-args "--only-binary :all:" \
    --output-file requirements.lock "$wanted"
