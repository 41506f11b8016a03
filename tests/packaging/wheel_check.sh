#!/bin/sh
# Build the wheel, install it with everything it needs in an empty environment elsewhere, run it there.
# usage: wheel_check.sh PYTHON [TORCH_INDEX]
set -eu
python=$1
index=${2:-}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" -m build --wheel --no-isolation --outdir "$work/dist" "$root" >/dev/null
"$python" -m venv "$work/venv"
pip="$work/venv/bin/python -m pip --disable-pip-version-check install -q -c $root/constraints.txt"
$pip ${index:+--index-url "$index"} torch
$pip "$work"/dist/*.whl
cd "$work"
venv/bin/cvit-bench --version
venv/bin/cvit-bench validate
venv/bin/cvit-bench list tasks
venv/bin/cvit-bench demo --out demo
test -s demo/leaderboards/mini/index.html
echo "the wheel works in an empty environment"
