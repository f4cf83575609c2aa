#!/usr/bin/env bash
# Breaks one rule at a time (broken/*.patch) in a copy of the checkout and says within how many seeds the simulation
# notices: the first seed that goes wrong with the rule broken and well without. Usage: broken.sh [SEEDS] [RULE...]
set -euo pipefail
cd "$(dirname "$0")/../.."
seeds=${1:-1000}
shift || true
here=$PWD
copy=${BROKEN_COPY:-target/broken}
if [ ! -e "$copy/Cargo.toml" ]; then git worktree add -q --detach "$copy"; fi
build() { (cd "$1" && cargo test -q --profile simulate --example simulation --no-run --message-format json |
    sed -n 's/.*"executable":"\([^"]*simulation-[^"]*\)".*/\1/p' | tail -1); }
whole=$(build "$here")
cp "$whole" "$copy/whole"
rules=("$@")
if [ ${#rules[@]} = 0 ]; then for patch in tests/simulation/broken/*.patch; do rules+=("$(basename "$patch" .patch)"); done; fi
for rule in "${rules[@]}"; do
    git -C "$copy" checkout -q --force --detach "$(git rev-parse HEAD)"
    git -C "$copy" apply "$here/tests/simulation/broken/$rule.patch"
    broken=$(build "$copy") || { echo "$rule: does not build"; continue; }
    found=
    for from in $(seq 1 50 "$seeds"); do
        for seed in $("$broken" --from "$from" --seeds 50 --go-on --no-shrink 2>/dev/null |
            sed -n 's/^seed \([0-9]*\):.*/\1/p' | sort -n); do
            if "$copy/whole" --processes 1 --from "$seed" --seeds 1 --no-shrink >/dev/null 2>&1; then
                found=$seed
                break 2
            fi
        done
    done
    if [ -n "$found" ]; then echo "$rule: within $found seeds"; else echo "$rule: not within $seeds seeds"; fi
done
