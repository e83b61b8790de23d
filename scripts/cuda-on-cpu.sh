#!/usr/bin/env bash
# Builds libraries that stand in for NVIDIA's driver, NVRTC and cuBLAS and run the kernels of backend::cuda on the CPU, and prints the
# variables to set:
#
#     (eval "$(scripts/cuda-on-cpu.sh)"; cargo test --features cuda,train --test conformance cuda_)
#
# The folder is $FLOWMAP_CUDA_ON_CPU, or cuda-on-cpu in the target folder. Needs bash and g++. For tests only: see cuda-on-cpu.cpp.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${FLOWMAP_CUDA_ON_CPU:-${CARGO_TARGET_DIR:-$root/target}/cuda-on-cpu}
command -v g++ >/dev/null || {
    echo 'cuda-on-cpu: g++ is missing' >&2
    exit 1
}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
kernels=$root/src/backend/cuda/kernels.cu

# a kernel is declared by itself, or by a macro as a member of a family
sed -nE 's/^KERNEL ([a-z_0-9]+)\(.*/LISTED(\1)/p; s/^UNARY\(([a-z_0-9]+),.*/LISTED(unary_\1)/p; s/^BINARY\(([a-z_0-9]+),.*/LISTED(binary_\1)/p' \
    "$kernels" >"$folder/kernels.inc"
g++ -std=c++17 -O2 -ffp-contract=off -Wall -Wextra -Wno-unused-parameter -shared -fPIC -Wl,-Bsymbolic -I"$folder" -I"$(dirname "$kernels")" "$root/scripts/cuda-on-cpu.cpp" \
    -o "$folder/libcuda.so.1"
# one library for all three, so that they share their memory
ln -sf libcuda.so.1 "$folder/libnvrtc.so.13"
ln -sf libcuda.so.1 "$folder/libcublas.so.13"

printf 'export LD_LIBRARY_PATH=%q FLOWMAP_GPU=required\n' "$folder"
