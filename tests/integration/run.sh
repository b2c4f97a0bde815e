#!/bin/sh
# Runs the integration tests by ../run.sh: their folders in memory where there is room, since none outlives its test and
# a disk makes them wait; and one cluster, made once, that each of them begins with a copy of.
# Usage: run.sh FOLDER-OF-THE-PROGRAMS PROGRAM…
build=$1
shift
root=/tmp
room_kib=$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')
# Scripts are run there, too.
if [ -w /dev/shm ] && [ "${room_kib:-0}" -gt 4000000 ] && ! grep -q '^[^ ]* /dev/shm [^ ]* [^ ]*noexec' /proc/mounts; then
	root=/dev/shm
fi
folder=$(mktemp -d "$root/tracktwo-tests-XXXXXX") || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM
chmod 755 "$folder"
state=$folder/state
if ! "$build/tracktwod" -s daemon.state_dir="$state" -s daemon.socket="$state/socket" -s daemon.http=off --migrate \
	>"$folder/log" 2>&1; then
	cat "$folder/log"
	exit 1
fi
TRACKTWO_TEST_ROOT=$root TRACKTWO_TEST_STATE=$state sh "$(dirname "$0")/../run.sh" "$build/log/integration" "$@"
