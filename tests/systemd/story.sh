# What happens on the machine that boot.sh booted. Every step names what must hold; the first that does not ends the story.
set -euo pipefail
export SYSTEMD_PAGER='' SYSTEMD_COLORS=0

step() { printf -- '- %s\n' "$*"; }
fail() {
    printf 'FAILED: %s\n' "$*" >&2
    journalctl --no-pager -n 40 -u 'stemsync*' >&2 || true
    exit 1
}
# Waits for a condition: until 30 systemctl is-active …, in seconds at most.
until_true() {
    local most=$1
    shift
    for _ in $(seq $((most * 10))); do
        if "$@" > /dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    fail "after $most s still not: $*"
}
of() { systemctl show --property="$1" --value "$2"; }
# check's outcome and detail of a name: told units
told() {
    { stemsync "${config[@]}" check || true; } | awk -F '\t' -v name="$1" '$2 == name { split($1, word, " "); print word[2], $3 }'
}
config=()
# 0 and 4 are both well: something may be held.
sync_now() {
    local status=0
    stemsync "${config[@]}" sync -q > /dev/null || status=$?
    [ "$status" = 0 ] || [ "$status" = 4 ] || fail "sync ended with $status"
}

dpkg --install /run/story/stemsync.deb > /run/story/dpkg 2>&1 || fail "$(cat /run/story/dpkg)"
grep -q "runs nothing yet" /run/story/dpkg || fail "no word on what to do next"
for unit in stemsync.service stemsync-sync.timer; do
    [ "$(systemctl is-enabled "$unit" || true)" = disabled ] || fail "$unit was enabled"
    [ "$(systemctl is-active "$unit" || true)" = inactive ] || fail "$unit was started"
done
step "installed: nothing is enabled, nothing runs"

stemsync sandbox --port 0 --people 0 > /run/story/sandbox &
until_true 20 grep -q 'Then: stemsync sync' /run/story/sandbox
url() { awk -v name="$1" '$1 == name { print $2; exit }' /run/story/sandbox; }
token() { sed -n "s/^export $1_TOKEN=//p" /run/story/sandbox; }
# The status page takes any free port: the ports are this machine's, whose network the booted one shares.
sed -i -e "s|https://api.kometsales.com/api/|$(url Komet)|" -e "s|https://axerrio.example/api/v1|$(url Axerrio)|" \
    -e "s|^users = 1 |users = 9 |" -e 's|"127.0.0.1:8787"|"127.0.0.1:0"|' /etc/stemsync/sync.toml
(umask 077 && token KOMET > /etc/stemsync/komet.token && token AXERRIO > /etc/stemsync/axerrio.token)
# Pauses of seconds, not of minutes, for this story only.
mkdir -p /run/systemd/system/stemsync.service.d
printf '[Service]\nRestartSec=200ms\nWatchdogSec=3s\nTimeoutAbortSec=1s\n' > /run/systemd/system/stemsync.service.d/story.conf
systemctl daemon-reload

systemctl start stemsync-sync.service || fail "the run of the timer failed"
[ "$(of Result stemsync-sync.service)" = success ] || fail "a hold made the unit fail"
[ "$(stat -c %a /var/lib/stemsync/stemsync.db)" = 600 ] || fail "others may read the state"
owner=$(stat -c %u /var/lib/stemsync/stemsync.db)
[ "$owner" != 0 ] || fail "the run was root's"
[ "$(stat -c '%a %u' /etc/stemsync/komet.token)" = '600 0' ] || fail "the token's file changed"
step "one run under its full sandbox, as user $owner: a hold is no failure"

rm /var/lib/stemsync/stemsync.db.lock
sync_now
[ "$(stat -c %u /var/lib/stemsync/* | sort -u)" = "$owner" ] || fail "root left files of its own in the state"
systemctl start stemsync-sync.service || fail "no run after root's"
step "root's sync beside it leaves the state to its user"

systemctl enable --now stemsync-sync.timer 2> /dev/null
[[ $(told units) == "ok stemsync-sync.timer: "*$'\n'"ok stemsync-sync.service: is in use and lacks nothing" ]] \
    || fail "check says of the timer: $(told units)"
[[ $(told runs) == "ok stemsync-sync.timer is active, last run"* ]] || fail "check says: $(told runs)"
systemctl disable --now stemsync-sync.timer 2> /dev/null
step "the timer: check knows it and its service"

systemctl enable --now stemsync.service 2> /dev/null || fail "the daemon did not say READY=1"
[ "$(systemctl is-active stemsync.service)" = active ] || fail "the daemon is not active"
[[ $(told units) == "ok stemsync.service: is in use and lacks nothing" ]] || fail "check says of the unit: $(told units)"
[[ $(told runs) == "ok stemsync.service is active"* ]] || fail "check says: $(told runs)"
[ -n "$(of StatusText stemsync.service)" ] || fail "the daemon says no STATUS="
step "the daemon is ready: $(of StatusText stemsync.service)"

# Where a unit's page is: what its present process said last.
page() {
    journalctl --no-pager -o cat -u "$1" _PID="$(of MainPID "$1")" \
        | sed -n 's|.*the status page is at http://\([0-9.:]*\).*|\1|p' | tail -1
}
# page_says UNIT PATH TEXT: whether the page's answer is well and holds it.
page_says() {
    local at said
    at=$(page "$1")
    [ -n "$at" ] || return 1
    exec 3<> "/dev/tcp/${at%:*}/${at##*:}" || return 1
    printf 'GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$2" "$at" >&3
    said=$(timeout 10 cat <&3)
    exec 3>&-
    [[ $said == "HTTP/1.1 200 "* && $said == *"$3"* ]]
}
page_serves() {
    page_says "$1" /healthz alive && page_says "$1" / '<h1>Overview</h1>' && page_says "$1" /metrics stemsync_
}
until_true 10 page_serves stemsync.service
step "the page under the daemon's full sandbox: http://$(page stemsync.service)/"

sync_now
step "a forced sync beside the daemon"

first=$(of MainPID stemsync.service)
systemctl reload stemsync.service || fail "it cannot be reloaded"
cp /etc/stemsync/sync.toml /run/story/good.toml
echo 'nonsense = 1' >> /etc/stemsync/sync.toml
systemctl reload stemsync.service || true
until_true 10 systemctl is-active stemsync.service
cp /run/story/good.toml /etc/stemsync/sync.toml
systemctl reload stemsync.service || fail "it cannot be reloaded again"
[ "$(of MainPID stemsync.service)" = "$first" ] || fail "a reload replaced the process"
page_serves stemsync.service || fail "a reload ended the page"
step "reloaded, with a wrong configuration between two right ones: the same process went on"

replaced() {
    local now
    now=$(of MainPID stemsync.service)
    # 0 is nobody: between the two.
    [ "$now" != "$1" ] && [ "$now" != 0 ] && [ "$(systemctl is-active stemsync.service)" = active ]
}
kill -KILL "$first"
until_true 30 replaced "$first"
step "killed: another one took its place"

second=$(of MainPID stemsync.service)
kill -STOP "$second"
until_true 60 replaced "$second"
journalctl --no-pager -u stemsync.service | grep -q 'Watchdog timeout' || fail "it was not the watchdog"
step "hung: the watchdog took it down, and another one took its place"

echo 'nonsense = 1' >> /etc/stemsync/sync.toml
systemctl restart stemsync.service 2> /dev/null && fail "it started with a wrong configuration"
until_true 10 systemctl is-failed stemsync.service
[ "$(of ExecMainStatus stemsync.service)" = 3 ] || fail "a wrong configuration ended it with $(of ExecMainStatus stemsync.service)"
[ "$(of NRestarts stemsync.service)" = 0 ] || fail "a wrong configuration was tried again"
cp /run/story/good.toml /etc/stemsync/sync.toml
[[ $(told units) == "failed stemsync.service: failed (exit-code, status 3, 0 restarts). "* ]] || fail "check says: $(told units)"
systemctl restart stemsync.service
step "a wrong configuration ends it with 3, once, and check says so"

for link in miami quito; do
    sed -e "s/\"komet.token\"/\"$link.komet.token\"/" -e "s/\"axerrio.token\"/\"$link.axerrio.token\"/" \
        -e "s|/var/lib/stemsync/|/var/lib/stemsync-$link/|" /run/story/good.toml > "/etc/stemsync/$link.toml"
    for system in komet axerrio; do cp -p "/etc/stemsync/$system.token" "/etc/stemsync/$link.$system.token"; done
    systemctl enable --now "stemsync@$link" 2> /dev/null || fail "stemsync@$link does not start beside stemsync"
    config=(-c "/etc/stemsync/$link.toml")
    [[ $(told units) == "ok stemsync@$link.service: is in use and lacks nothing" ]] || fail "check says: $(told units)"
    [ -d "/var/lib/stemsync-$link/" ] || fail "stemsync@$link has no state of its own"
    until_true 10 page_serves "stemsync@$link.service"
done
config=()
step "two further links, each with its own state, tokens and page"

systemctl stop stemsync.service
[ "$(of Result stemsync.service)" = success ] || fail "it did not end in good order: $(of Result stemsync.service)"
systemctl start stemsync.service
dpkg --install /run/story/stemsync.deb > /run/story/dpkg 2>&1 || fail "$(cat /run/story/dpkg)"
[ "$(systemctl is-active stemsync.service stemsync@miami | sort -u)" = active ] || fail "an upgrade ended what ran"
dpkg --purge stemsync > /run/story/dpkg 2>&1 || fail "$(cat /run/story/dpkg)"
pgrep -f '^/usr/bin/stemsync run' > /dev/null && fail "a daemon outlived the package"
[ -s /var/lib/private/stemsync/stemsync.db ] || fail "the state went with the package"
step "upgraded while it ran, then purged: the daemons are gone, the state stays"
