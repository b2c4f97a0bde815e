#!/bin/sh
# Runs test programs, one more at a time than there are processors, since they wait as much as they work; each with its
# output in a file. Shows the output of those that failed.
# Usage: run.sh FOLDER PROGRAM…
folder=$1
shift
mkdir -p "$folder"
rm -f "$folder"/*.log "$folder"/*.failed
export TEST_FOLDER="$folder"
printf '%s\n' "$@" | xargs -P $(($(nproc) + 1)) -I PROGRAM sh -c '
	name=$(basename PROGRAM) began=$(date +%s)
	if timeout 300 PROGRAM >"$TEST_FOLDER/$name.log" 2>&1; then
		printf "ok     %-20s %4d s\n" "$name" $(($(date +%s) - began))
	else
		printf "FAILED %s (status %s)\n" "$name" $?
		touch "$TEST_FOLDER/$name.failed"
	fi'
status=0
for mark in "$folder"/*.failed; do
	[ -e "$mark" ] || continue
	echo "---- ${mark%.failed}"
	cat "${mark%.failed}.log"
	status=1
done
passed=$(cat "$folder"/*.log | sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s)\.$/\1/p' | awk '{n += $1} END {print n + 0}')
failed=$(cat "$folder"/*.log | sed -n 's/^\[  FAILED  \] \([0-9]*\) test(s), .*$/\1/p' | awk '{n += $1} END {print n + 0}')
# A program that died said nothing of how many.
[ $status = 0 ] || [ "$failed" -gt 0 ] || failed=1
echo "$passed passed, $failed failed"
exit $status
