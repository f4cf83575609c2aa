#!/usr/bin/env bash
# Every unit passes `systemd-analyze verify` without a word, and scores 1.5 or better with `systemd-analyze security`.
# Both work without a running systemd. Takes a program to stand at /usr/bin/stemsync, target/release/stemsync by default.
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "${1:-target/release/stemsync}")
# 1.5 as systemd-analyze counts it.
most=15

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
# verify looks whether the program can be run: it is looked for in a copy of the units that names ours.
for unit in systemd/*.service systemd/*.timer; do
    sed "s|/usr/bin/stemsync|$program|" "$unit" > "$root/$(basename "$unit")"
done

# What systemd before 254 (Debian 12 has 252) does not know and ignores: the growing pause between restarts.
version=$(systemd-analyze --version | awk 'NR == 1 { print $2 }')
known='^$'
if [ "${version%%[^0-9]*}" -lt 254 ]; then
    known="Unknown key '(RestartSteps|RestartMaxDelaySec)' in section \[Service\], ignoring"
fi

for unit in stemsync.service stemsync@miami.service stemsync-sync.service stemsync-sync.timer; do
    # An instance is loaded from its template, which lies in the same directory.
    if ! said=$(systemd-analyze verify --man=no "$root/$unit" 2>&1); then
        printf '%s: systemd-analyze verify failed\n%s\n' "$unit" "$said"
        exit 1
    fi
    if said=$(grep -vE "$known" <<< "$said" | grep .); then
        printf '%s: systemd-analyze verify complains\n%s\n' "$unit" "$said"
        exit 1
    fi
    case $unit in
        *.timer) echo "$unit: verified" ;;
        *)
            # The threshold is in tenths; above it the command fails.
            said=$(systemd-analyze security --offline=true --threshold="$most" --no-pager "$root/$unit" 2> /dev/null) || {
                printf '%s\n%s: above the threshold of %s tenths\n' "$said" "$unit" "$most"
                exit 1
            }
            printf '%s: verified, %s\n' "$unit" "$(tail -1 <<< "$said" | sed 's/^[^O]*//')"
            ;;
    esac
done
