#!/bin/sh
# Installs into a folder of its own, looks at what is there, uninstalls, and looks again.
# Usage: install.sh FOLDER-OF-THE-PROGRAMS
set -eu
build=$1
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
fault() { echo "install: $*"; exit 1; }
run() { make --no-print-directory BUILD="$build" DESTDIR="$stage" prefix=/opt/tracktwo sysconfdir=/opt/etc "$@"; }
files() { (cd "$stage" && find . ! -type d | sort); }

said=$(run install)
# What is to be done next is for whoever installs, not for whoever packs.
case $said in *systemctl*) fault 'speaks of systemctl though it only stages' ;; esac
for file in sbin/tracktwod bin/tracktwo share/man/man8/tracktwod.8; do
	[ -s "$stage/opt/tracktwo/$file" ] || fault "$file is missing"
done
[ -x "$stage/opt/tracktwo/sbin/tracktwod" ] || fault 'the daemon cannot be run'
[ "$("$stage/opt/tracktwo/sbin/tracktwod" --version)" = "$("$build/tracktwod" --version)" ] || fault 'another daemon'
cmp -s config/tracktwo.conf "$stage/opt/etc/tracktwo/tracktwo.conf" || fault 'the configuration is missing'
"$stage/opt/tracktwo/sbin/tracktwod" -c "$stage/opt/etc/tracktwo/tracktwo.conf" --check-config >/dev/null ||
	fault 'the configuration is wrong'
if pkg-config --exists libsystemd; then
	for file in systemd/system/tracktwod.service systemd/system/tracktwod.socket sysusers.d/tracktwo.conf \
		tmpfiles.d/tracktwo.conf; do
		[ -s "$stage/opt/tracktwo/lib/$file" ] || fault "$file is missing"
	done
	grep -qx 'ExecStart=/opt/tracktwo/sbin/tracktwod --config /opt/etc/tracktwo/tracktwo.conf' \
		"$stage/opt/tracktwo/lib/systemd/system/tracktwod.service" || fault 'the unit starts something else'
	grep -qx 'ExecStart=/opt/tracktwo/bin/tracktwo admin backup --verify --config /opt/etc/tracktwo/tracktwo.conf' \
		"$stage/opt/tracktwo/lib/systemd/system/tracktwo-backup.service" || fault 'another database would be backed up'
	! grep -r '/usr/local\|/etc/tracktwo' "$stage/opt/tracktwo/lib/systemd" | grep -v /opt/etc || fault 'a unit knows another prefix'
fi
outside=$(files | grep -v '^\./opt/tracktwo/\|^\./opt/etc/tracktwo/') && fault "written elsewhere: $outside"

# What somebody wrote is kept, by a second installation and by the removal.
echo '# mine' >>"$stage/opt/etc/tracktwo/tracktwo.conf"
: >"$stage/opt/tracktwo/bin/another"
run install >/dev/null
run uninstall >/dev/null
grep -q '^# mine$' "$stage/opt/etc/tracktwo/tracktwo.conf" || fault 'the configuration was written over'
left=$(files)
[ "$left" = "$(printf './opt/etc/tracktwo/tracktwo.conf\n./opt/tracktwo/bin/another')" ] || fault "left behind, or taken: $left"
echo 'install: clean'
