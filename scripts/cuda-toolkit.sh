#!/usr/bin/env bash
# Prepares what the feature dfdx-cuda is compiled and linked with, on a machine that has neither a GPU nor a CUDA toolkit, and prints
# the variables to set:
#
#     eval "$(scripts/cuda-toolkit.sh)"
#     cargo build --release --features cli,plot,dfdx-cuda --example checkerboard
#
# The folder is $FLOWMAP_CUDA_TOOLKIT, or cuda-toolkit in the target folder. What is there already is kept. It holds
# - NVIDIA's compiler and headers, and NVRTC, its compiler for programs that run, from the Python packages that NVIDIA publishes (about
#   190 MB to download, 380 MB on the disk);
# - stubs of the libraries of the driver and the toolkit, to link with: every function of theirs fails;
# - a stand-in for nvidia-smi that names the GPU to compile for, compute capability 9.0. A real nvidia-smi on the PATH goes before it,
#   and CUDA_COMPUTE_CAP (90, 86, ...) before both.
#
# Needs bash, python3 with pip, gcc, cargo. On a machine with a toolkit of its own this script is not needed.
set -euo pipefail

packages=(
    nvidia-cuda-nvcc==13.0.88
    nvidia-cuda-crt==13.0.88
    nvidia-nvvm==13.0.88
    nvidia-cuda-runtime==13.0.96
    nvidia-cuda-cccl==13.0.85
    nvidia-cuda-nvrtc==13.0.88
)

fail() {
    printf 'cuda-toolkit: %s\n' "$1" >&2
    exit 1
}
needs() { # command, what it is for
    command -v "$1" >/dev/null || fail "$1 is missing: $2"
}
needs python3 'its pip downloads the toolkit'
needs gcc 'it compiles the stubs, and is what nvcc compiles with'
needs cargo 'it knows where the sources of the crate cudarc are'
[ "$(uname -s)" = Linux ] || fail "it supports Linux only, not $(uname -s)"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=${FLOWMAP_CUDA_TOOLKIT:-${CARGO_TARGET_DIR:-$root/target}/cuda-toolkit}
mkdir -p "$folder" || fail "the folder $folder cannot be made; set FLOWMAP_CUDA_TOOLKIT to another"
folder=$(cd "$folder" && pwd)
toolkit=$folder/nvidia/cu13
stubs=$toolkit/lib64/stubs
# what is there is that of this script, or it is made again
stamp=$(cksum <"${BASH_SOURCE[0]}")

# The functions that a module of cudarc declares: those that a program may want from the library.
declared() { # module
    sed -nE 's/^ *pub fn ((cu|nvrtc)[A-Za-z0-9_]+) *\(.*/\1/p' "$cudarc/src/$1/sys.rs" | sort -u
}

stub() { # library, version, module of cudarc, error code
    declared "$3" | sed "s/.*/int &(void) { return $4; }/" |
        gcc -shared -fPIC -x c - -Wl,-soname,"lib$1.so.$2" -o "$stubs/lib$1.so.$2"
    ln -sf "lib$1.so.$2" "$stubs/lib$1.so"
}

if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -f "$folder/stamp"
    python3 -m pip --version >/dev/null 2>&1 ||
        fail 'pip is missing: it downloads the toolkit (try python3 -m ensurepip, or the package python3-pip)'
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary :all: --upgrade \
        --target "$folder" "${packages[@]}" >&2 || fail 'the download of the toolkit failed, see above'
    rm -f "$toolkit"/lib/*.alt.so* # NVRTC once more
    chmod +x "$toolkit"/bin/* "$toolkit"/nvvm/bin/*

    cudarc=$(cd "$root" && cargo metadata --locked --format-version 1 --features dfdx-cuda | python3 -c '
import json, os, sys
found = [p for p in json.load(sys.stdin)["packages"] if p["name"] == "cudarc" and p["version"].startswith("0.9.")]
print(os.path.dirname(found[0]["manifest_path"]))') || fail 'the crate cudarc 0.9 was not found among the dependencies'
    mkdir -p "$stubs" "$folder/stand-in"
    stub cuda 1 driver 34 # CUDA_ERROR_STUB_LIBRARY, as NVIDIA's own stub says
    stub cublas 13 cublas 1
    stub cublasLt 13 cublaslt 1
    stub nvrtc 13 nvrtc 1

    printf '%s\n' '#!/bin/sh' 'printf "compute_cap\n9.0\n"' >"$folder/stand-in/nvidia-smi"
    chmod +x "$folder/stand-in/nvidia-smi"
    printf '%s\n' "$stamp" >"$folder/stamp"
fi

printf 'export CUDA_PATH=%q CUDA_ROOT=%q\n' "$toolkit" "$toolkit"
printf 'export PATH=%q:"$PATH":%q\n' "$toolkit/bin" "$folder/stand-in"
