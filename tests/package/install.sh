#!/usr/bin/env bash
# The package in a clean root that holds nothing but libc: what it brings, that it starts nothing, that the installed program
# works there, that an admin's changes outlive an upgrade and the state outlives a purge.
#
#     tests/package/install.sh target/debian/stemsync_*.deb
set -euo pipefail
deb=$(realpath "$1")
# Root of a user namespace will do: files change owners, and a chroot.
[ "$(id -u)" = 0 ] || exec unshare --map-root-user "$0" "$deb"

root=$(mktemp -d)
sandbox=
trap '[ -z "$sandbox" ] || kill "$sandbox" 2> /dev/null || true; rm -rf "$root"' EXIT
fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}
# Runs a command of the clean root and expects a status: ends 3 stemsync check …
ends() {
    local expected=$1 status=0
    shift
    said=$(chroot "$root" "$@" 2>&1) || status=$?
    [ "$status" = "$expected" ] || fail "$* ended with $status, not $expected: $said"
}
dpkg_here() { dpkg --root="$root" --force-script-chrootless --force-depends --force-confold --log=/dev/null "$@"; }

# What it needs is libc, and no newer one than it says.
[ "$(dpkg-deb --field "$deb" Depends | sed 's/(.*)/(…)/')" = "libc6 (…)" ] || fail "depends on more than libc"
libc=$(dpkg-deb --field "$deb" Depends | sed 's/.*>= \(.*\))/\1/')
mkdir -p "$root"/var/lib/dpkg/{info,updates} "$root"/tmp "$root"/dev "$root"/lib64
: > "$root/var/lib/dpkg/status"

said=$(dpkg_here --install "$deb" 2>&1) || fail "cannot be installed: $said"
[[ $said == *"runs nothing yet"* ]] || fail "does not say what to do next: $said"
newest=$(grep -aoE 'GLIBC_2\.[0-9]+(\.[0-9]+)?' "$root/usr/bin/stemsync" | sed 's/GLIBC_//' | sort -V | tail -1)
[ "$(printf '%s\n' "$newest" "$libc" | sort -V | tail -1)" = "$libc" ] || fail "needs libc $newest, says $libc"

for file in \
    usr/lib/systemd/system/stemsync.service usr/lib/systemd/system/stemsync@.service \
    usr/lib/systemd/system/stemsync-sync.service usr/lib/systemd/system/stemsync-sync.timer \
    etc/stemsync/sync.toml usr/share/man/man1/stemsync.1.gz usr/share/man/man1/stemsync-sync.1.gz \
    usr/share/bash-completion/completions/stemsync usr/share/zsh/vendor-completions/_stemsync \
    usr/share/fish/vendor_completions.d/stemsync.fish usr/share/doc/stemsync/copyright usr/share/doc/stemsync/README.md \
    usr/share/doc/stemsync/axerrio.openapi.yaml usr/share/doc/stemsync/examples/crontab \
    usr/share/doc/stemsync/examples/stemsync.rules.yml usr/share/doc/stemsync/examples/stemsync.dashboard.json; do
    [ -s "$root/$file" ] || [ -s "$root/$file.gz" ] || fail "$file is not in the package"
done
[ ! -e "$root/etc/systemd" ] || fail "a unit was enabled"

# libc and the loader, and nothing else of this machine.
ldd "$root/usr/bin/stemsync" | grep -oE '/[^ ]+' | sort -u | while read -r library; do
    case $library in
        */ld-linux* | */libc.so* | */libm.so* | */libgcc_s.so*) ;; # libgcc_s comes with libc6
        *) fail "needs $library" ;;
    esac
    install -D "$library" "$root$library"
done

# As installed it names what is missing.
ends 3 /usr/bin/stemsync check
[[ $said == *komet.token* && $said == *axerrio.token* ]] || fail "does not name the missing tokens: $said"

ends 0 /usr/bin/stemsync demo
echo "demo: $(tail -1 <<< "$said")"

# On the sandbox of the same program, with the tokens where the README says.
chroot "$root" /usr/bin/stemsync sandbox --port 0 --people 0 > "$root/tmp/sandbox" &
sandbox=$!
for _ in $(seq 100); do
    grep -q 'Then: stemsync sync' "$root/tmp/sandbox" && break
    sleep 0.1
done
url() { awk -v name="$1" '$1 == name { print $2; exit }' "$root/tmp/sandbox"; }
token() { sed -n "s/^export $1_TOKEN=//p" "$root/tmp/sandbox"; }
sed -i -e "s|https://api.kometsales.com/api/|$(url Komet)|" -e "s|https://axerrio.example/api/v1|$(url Axerrio)|" \
    "$root/etc/stemsync/sync.toml"
(umask 077 && token KOMET > "$root/etc/stemsync/komet.token" && token AXERRIO > "$root/etc/stemsync/axerrio.token")
ends 0 /usr/bin/stemsync check
echo "check: $(tail -1 <<< "$said")"
ends 4 /usr/bin/stemsync sync
[ -s "$root/var/lib/stemsync/stemsync.db" ] || fail "sync left no state"
ends 0 /usr/bin/stemsync check

# An upgrade keeps what an admin changed, and does not repeat the first steps.
said=$(dpkg_here --install "$deb" 2>&1) || fail "cannot be installed again: $said"
[[ $said != *"runs nothing yet"* ]] || fail "an upgrade tells the first steps again"
grep -q "$(url Komet)" "$root/etc/stemsync/sync.toml" || fail "an upgrade lost the configuration"

said=$(dpkg_here --purge stemsync 2>&1) || fail "cannot be purged: $said"
[[ $said == *"/var/lib/stemsync stays"* ]] || fail "a purge does not speak of the state: $said"
[ -s "$root/var/lib/stemsync/stemsync.db" ] || fail "a purge took the state"
[ ! -e "$root/usr/bin/stemsync" ] && [ ! -e "$root/etc/stemsync/sync.toml" ] || fail "a purge left files behind"
echo "$(basename "$deb"): installed, checked, upgraded and purged in a clean root; newest libc symbol $newest"
