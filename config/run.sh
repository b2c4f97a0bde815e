#!/bin/sh
# What `make run` does after the build: starts the daemon, loads the sample through its socket, shows the main job, and
# serves until interrupted. Run again, it finds its data and duplicates nothing.
# Usage: run.sh FOLDER-OF-THE-PROGRAMS
set -eu
build=$1
tracktwo() { "$build/tracktwo" "$@"; }

"$build/tracktwod" &
daemon=$!
# The terminal's interrupt reaches the daemon too; either way it drains, stops PostgreSQL, and is waited for.
stop() {
	trap '' INT TERM HUP
	kill -TERM $daemon 2>/dev/null || true
	wait $daemon || true
	exit "$1"
}
trap 'stop 0' INT TERM HUP

tracktwo wait --for 60 || stop 1

echo
echo 'The sample: engagements of public record, 1972 to today, each with its source.'
tracktwo rpc --file config/sample.jsonl || stop 1

for country in KP CN; do
	echo
	echo "The last engagements with $country:   build/tracktwo engagement history --country $country"
	tracktwo --table engagement history --country $country --limit 8 2>/dev/null || stop 1
done

echo
echo 'What the roadmap has got out of it:   build/tracktwo coverage'
tracktwo --table coverage || stop 1

echo
echo 'A follow-up, due now, delivered to a subscriber:   build/tracktwo reminder subscribe'
# The same id each time: on a second run the daemon answers as it did before, and sets nothing anew.
reminder=019b1c00-4001-7000-8000-000000000001
tracktwo rpc reminder.create '{"id": "'$reminder'", "about": {"engagement_id": "019b1c00-3001-7000-8000-000000000069"},
	"note": "Read article 4 against the guarantees that objective 2.2.2 speaks of",
	"due_at": "2026-01-05T09:00:00+09:00"}' >/dev/null || stop 1
if tracktwo reminder list --status due | grep -q $reminder; then
	tracktwo reminder subscribe --acknowledge --count 1 || stop 1
else
	echo 'It was delivered and acknowledged in an earlier run:'
	tracktwo --table reminder list || stop 1
fi

cat <<END

Serving on $(readlink -f .run/tracktwo.sock). Interrupt to stop. Four commands to try next, in another terminal:
  build/tracktwo log CN 1.3 "Lunch on sanctions relief" --with 왕이,me --at "yesterday 12:30" --due +7d:"send the paper"
  build/tracktwo today
  build/tracktwo history 북한 --since 2018
  build/tracktwo help log
END
wait $daemon && stop 0
stop $?
