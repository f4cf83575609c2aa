#!/usr/bin/env bash
# The package under a real systemd, which is booted in namespaces of its own over a throw-away layer above this machine's
# files: installed, started, asked, killed, hung, broken and removed. Nothing of this machine is changed.
#
#     tests/systemd/boot.sh target/debian/stemsync_*.deb
#
# Needs root, overlayfs and the unified control groups; without them it says so and ends with 0.
set -euo pipefail
deb=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
# nsenter leaves a directory that the booted machine does not have.
cd /

skip() {
    echo "not run: $*"
    exit 0
}
[ "$(id -u)" = 0 ] || skip "needs root"
[ -x /lib/systemd/systemd ] || skip "needs systemd's files"
groups=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
[ -n "$groups" ] || skip "needs the unified control groups"

place=$(mktemp -d)
# A control group of our own, which the booted systemd takes for the root of all.
group=$groups$(awk -F: '$1 == 0 { print $3 }' /proc/self/cgroup)/stemsync-boot-$$
mkdir "$group" 2> /dev/null || skip "cannot make a control group"
machine=
cleanup() {
    [ -z "$machine" ] || kill -KILL "$machine" 2> /dev/null || true
    # Its control groups empty as its processes end.
    for _ in $(seq 50); do
        find "$group" -depth -type d -exec rmdir {} \; 2> /dev/null
        [ -e "$group" ] || break
        sleep 0.1
    done
    rm -rf "$place"
}
trap cleanup EXIT

cat > "$place/boot" << 'BOOT'
set -e
place=$1 here=$2 deb=$3
mount --make-rprivate /
mkdir "$place/layer" "$place/root"
mount -t tmpfs tmpfs "$place/layer"
mkdir "$place/layer/upper" "$place/layer/work"
root=$place/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/layer/upper,workdir=$place/layer/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mkdir "$root/dev/shm" "$root/dev/pts" "$root/run/story"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device" && mount --bind "/dev/$device" "$root/dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
cp "$here/story.sh" "$root/run/story/"
cp "$deb" "$root/run/story/stemsync.deb"
# Nothing of this machine's own stemsync, if it has one.
rm -rf "$root/etc/stemsync" "$root"/var/lib/stemsync* "$root"/var/lib/private
cd "$root"
mkdir old
pivot_root . old
umount -l /old
# As a container manager would: credentials reach their units that way.
mount --make-rshared /
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=sysinit.target --show-status=0
BOOT

# The shell enters the group first, so that all that follows is born there.
(
    echo "$BASHPID" > "$group/cgroup.procs"
    exec unshare --fork --kill-child=SIGKILL --pid --mount --uts --ipc --cgroup bash "$place/boot" "$place" "$here" "$deb"
) < /dev/null > "$place/console" 2>&1 &
parent=$!

inside() { nsenter --target "$machine" --mount --pid env -C / "$@"; }
for _ in $(seq 300); do
    machine=$(pgrep -P "$parent" || true)
    if [ -n "$machine" ] && [ "$(readlink "/proc/$machine/exe")" = "$(realpath /lib/systemd/systemd)" ] \
        && inside systemctl list-units > /dev/null 2>&1; then
        break
    fi
    kill -0 "$parent" 2> /dev/null || skip "no machine could be booted here: $(tail -1 "$place/console")"
    sleep 0.1
done
inside systemctl --version | head -1
inside bash /run/story/story.sh
