#!/usr/bin/env bash
# One training step against the JAX peer, in turns in one run. Usage: benches/against_jax.sh [OBJECTIVE] [ROUNDS]
# The U-Net's step, by lsd, psd or fm: benches/against_jax.sh unet [OBJECTIVE] [ROUNDS]
# Needs Python with jax, optax and numpy (PYTHON=path to it).
set -euo pipefail
cd "$(dirname "$0")/.."
bench=training_step
[ "${1:-}" != unet ] || { bench=unet_step && shift; }
objective=${1:-lsd} rounds=${2:-3} python=${PYTHON:-python3} features=train
[ -z "${DFDX:-}" ] || features=train,dfdx
cargo build --release --quiet --features $features --bench "$bench"
ours() { cargo bench --quiet --features $features --bench "$bench" -- "$objective" "$steps" "$1"; }
if [ "$bench" = unet_step ]; then
    steps=5
    peer() { "$python" benches/peers/unet_jax.py --kind "${objective%%-*}" --reps "$steps"; }
else
    steps=100
    peer() { "$python" benches/peers/flowmap_jax.py time --loss "${objective//-/_}" --bs 1024 --steps "$steps"; }
fi
for _ in $(seq "$rounds"); do
    peer
    ours ndarray
    [ -z "${DFDX:-}" ] || ours dfdx
done | "$python" -c '
import json, sys
rows = [json.loads(line) for line in sys.stdin if line.startswith("{")]
for row in rows:
    print(row)
jax = [r for r in rows if "backend" not in r]
def seconds(rows): return min(r["min_s"] if "min_s" in r else r["min_ms"] / 1e3 for r in rows)
def peak(rows): return max(r.get("peak_mb", r.get("peak_rss_mb", 0)) for r in rows)
def line(name, rows, end=""): print(f"{name:8} min {seconds(rows) * 1e3:7.1f} ms  peak {peak(rows):5.0f} MB{end}")
line("jax", jax)
for backend in sorted({r["backend"] for r in rows if "backend" in r}):
    own = [r for r in rows if r.get("backend") == backend]
    line(backend, own, f"  time / JAX {seconds(own) / seconds(jax):.2f}, memory / JAX {peak(own) / peak(jax):.2f}")
'
