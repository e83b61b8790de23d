#!/usr/bin/env bash
# One training step against the JAX peer, in turns in one run. Usage: benches/against_jax.sh [OBJECTIVE] [ROUNDS]
# Needs Python with jax, optax and numpy (PYTHON=path to it).
set -euo pipefail
cd "$(dirname "$0")/.."
objective=${1:-lsd} rounds=${2:-3} python=${PYTHON:-python3} features=train
[ -z "${DFDX:-}" ] || features=train,dfdx
cargo build --release --quiet --features $features --bench training_step
ours() { cargo bench --quiet --features $features --bench training_step -- "$objective" 100 "$1"; }
for _ in $(seq "$rounds"); do
    "$python" benches/peers/flowmap_jax.py time --loss "${objective//-/_}" --bs 1024 --steps 100
    ours ndarray
    [ -z "${DFDX:-}" ] || ours dfdx
done | "$python" -c '
import json, sys
rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
for row in rows:
    print(row)
def best(key, rows, scale=1.0): return min(row[key] * scale for row in rows)
jax = [r for r in rows if "jax" in r]
def line(name, ms, mb, end=""): print(f"{name:8} min {ms:6.1f} ms  peak {mb:5.0f} MB{end}")
line("jax", best("min_s", jax, 1e3), best("peak_rss_mb", jax))
for backend in sorted({r["backend"] for r in rows if "backend" in r}):
    own = [r for r in rows if r.get("backend") == backend]
    ratio = best("min_ms", own) / best("min_s", jax, 1e3)
    line(backend, best("min_ms", own), max(r["peak_mb"] for r in own), f"  time / JAX {ratio:.2f}")
'
