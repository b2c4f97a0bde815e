#!/bin/sh
# Boots a real systemd in a container over a throw-away copy of this machine's files, installs the daemon in it, and has
# probe.sh look at it from inside. Says why when it cannot.
# Usage: boot.sh FOLDER-OF-THE-PROGRAMS
set -u
build=$1
cannot() { echo "test-service: not run: $*"; exit 0; }
[ "$(id -u)" = 0 ] || cannot 'a container takes root'
command -v systemd-nspawn >/dev/null || cannot 'systemd-nspawn is missing (package systemd-container)'
[ -x /lib/systemd/systemd ] || cannot 'systemd is missing'

work=$(mktemp -d /var/tmp/tracktwo-boot-XXXXXX)
clean() {
	umount "$work/disk/root" 2>/dev/null
	umount "$work/disk" 2>/dev/null
	rm -rf --one-file-system "$work"
}
trap clean EXIT
mkdir "$work/disk"
mount -t tmpfs -o size=4g tmpfs "$work/disk" || cannot 'no file system may be mounted here'
root=$work/disk/root
mkdir "$root" "$work/disk/upper" "$work/disk/work"
mount -t overlay -o "lowerdir=/,upperdir=$work/disk/upper,workdir=$work/disk/work" overlay "$root" ||
	cannot 'no overlay may be mounted here'

# Nothing of what this machine runs: only the daemon, and what looks at it.
rm -rf "$root/etc/systemd/system" "$root/var/lib/tracktwo" "$root/etc/tracktwo"
mkdir -p "$root/etc/systemd/system/probe.target.wants"
make --no-print-directory BUILD="$build" DESTDIR="$root" install >/dev/null || exit 1
systemd-sysusers --root="$root" 2>/dev/null && systemctl --root="$root" enable tracktwod.service 2>/dev/null || exit 1
# The ones of multi-user.target are wanted here, without the rest.
ln -s /usr/local/lib/systemd/system/tracktwod.service "$root/etc/systemd/system/probe.target.wants/"
cp tests/service/probe.sh "$root/probe.sh"
cat >"$root/etc/systemd/system/probe.target" <<END
[Unit]
Requires=basic.target
After=basic.target
END
cat >"$root/etc/systemd/system/probe.service" <<END
[Unit]
After=tracktwod.service
[Service]
Type=oneshot
ExecStart=/bin/sh /probe.sh
StandardOutput=file:/probe.log
StandardError=file:/probe.log
ExecStopPost=/bin/systemctl --no-block exit
TimeoutStartSec=120
END
ln -s ../probe.service "$root/etc/systemd/system/probe.target.wants/probe.service"

timeout --kill-after=10 240 systemd-nspawn --quiet --directory="$root" --register=no --keep-unit --private-network \
	--machine=tracktwo-probe --link-journal=no --boot -- systemd.unit=probe.target >"$work/console" 2>&1 </dev/null
if [ ! -s "$root/probe.log" ]; then
	tail -5 "$work/console"
	cannot 'systemd did not come up in the container; its last words stand above'
fi
cat "$root/probe.log"
tail -1 "$root/probe.log" | grep -qx 'probe: clean'
