#!/bin/sh
# Reminders beside the job queues graphile-worker and pg-boss, in turns, on one throw-away cluster with durable settings.
#
# Drain: 20,000 come due; how many a second until the last is there. Ours counts from the time that they are due until a
# subscriber has read the last notification, with all that the ledger holds of it; theirs from the start of the first job,
# the process and its connections being ready, until the last is marked as done. Latency: how late each of some that come
# due one by one is. Both once with few pending and once with many, in all three. Nothing fails on a missed limit: the table
# and bench-reminders.json say which were met.
# Usage: reminders.sh FOLDER-OF-THE-PROGRAMS    Environment: PAIRS, FEW and MANY pending, DRAIN reminders, ONE_BY_ONE
set -eu
build=$1
pairs=${PAIRS:-5} few=${FEW:-10000} many=${MANY:-1000000} drain=${DRAIN:-20000} single=${ONE_BY_ONE:-1000} apart_ms=5
here=$(dirname "$0")
folder=$(mktemp -d /tmp/tracktwo-bench-XXXXXX)
chmod 755 "$folder"
state=$folder/state socket=$folder/state/socket daemon= reader=

# Ends what was started here, and removes the folder once nothing lives in it.
leave() {
	status=$?
	trap - EXIT INT TERM
	[ -z "$reader" ] || kill $reader 2>/dev/null || true
	if [ -n "$daemon" ]; then
		kill -TERM $daemon 2>/dev/null || true
		wait $daemon || true
	fi
	[ $status = 0 ] || { echo 'The daemon said:'; cat "$folder/log" 2>/dev/null || true; }
	rm -rf "$folder"
	exit $status
}
trap leave EXIT
trap 'exit 130' INT TERM

export PGHOST="$state/postgres/socket" PGUSER=postgres PGDATABASE=peers
psql() { /usr/lib/postgresql/15/bin/psql -X -At -q -d tracktwo -v ON_ERROR_STOP=1 "$@"; }
peer() { timeout 120 node "$here/peers.js" "$@"; }
# As the superuser, and without the triggers: what they would set is set here.
remind() { # SELECT n, at …
	psql -c "SET session_replication_role = replica; SET synchronous_commit = on;
		INSERT INTO store.reminder (id, note, due_at, first_at, occurrence_at, fire_at, timezone, assignee_id, created_by)
		SELECT store.uuid7(), 'Send the paper on monitoring to the counterpart, number ' || n, at, at, at, at, 'Asia/Seoul',
			'00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000001' FROM ($1) AS jobs;
		NOTIFY tracktwo, 'reminder'"
}
forget() {
	psql -c "SET session_replication_role = replica; TRUNCATE store.delivery_attempt, store.delivery;
		DELETE FROM store.reminder WHERE due_at < now() + interval '1 day'" -c 'VACUUM (ANALYZE) store.reminder'
}
# ours COUNT MS-APART: a second, p50 µs, p99 µs. Each must be in the ledger, once.
ours() {
	forget
	: >"$folder/ours"
	"$build/tests/bench/load" "$socket" remind "$1" 0 1000 >"$folder/ours" &
	reader=$!
	until grep -q subscribed "$folder/ours"; do sleep 0.05; kill -0 $reader; done
	remind "SELECT n, clock.now + interval '3 seconds' + n * interval '$2 milliseconds' AS at
		FROM generate_series(1, $1) AS n, (SELECT date_trunc('milliseconds', now()) AS now) AS clock"
	wait $reader
	reader=
	ledger=$(psql -c "SELECT count(DISTINCT delivery_id) FROM store.delivery_attempt WHERE outcome = 'pushed'")
	[ "$ledger" = "$1" ] || { echo "bench: $1 came, $ledger are in the ledger" >&2; return 1; }
	tail -n 1 "$folder/ours"
}
median() { sort -n | awk '{ at[NR] = $1 } END { print NR % 2 ? at[(NR + 1) / 2] : (at[NR / 2] + at[NR / 2 + 1]) / 2 }'; }
of() { median <"$folder/$1"; }

echo "Starting a daemon with a cluster of its own in $folder"
"$build/tracktwod" -s database.dsn=embedded -s daemon.http=off -s daemon.state_dir="$state" -s daemon.socket="$socket" \
	>>"$folder/log" 2>&1 &
daemon=$!
"$build/tracktwo" --socket "$socket" wait --for 60 >/dev/null
psql -c 'CREATE DATABASE peers'
echo "Durable: fsync $(psql -c 'SHOW fsync'), synchronous_commit $(psql -c 'SHOW synchronous_commit'), full_page_writes" \
	"$(psql -c 'SHOW full_page_writes')"

# all PENDING: the measurements, one a line in files NAME.PENDING
all() {
	began=$(date +%s)
	there=$(psql -c "SELECT count(*) FROM store.reminder WHERE due_at > now() + interval '1 day'")
	remind "SELECT n, now() + interval '1 year' + n * interval '1 second' AS at FROM generate_series($there + 1, $1) AS n"
	peer fill "$1"
	psql -c 'VACUUM (ANALYZE)' -c 'CHECKPOINT'
	echo "$1 pending in each: $(($(date +%s) - began)) s to make. Drained a second:"
	for pair in $(seq "$pairs"); do
		line="   $pair/$pairs:"
		ours "$drain" 0 >"$folder/row"
		cut -d' ' -f1 "$folder/row" >>"$folder/ours.$1"
		line="$line tracktwod $(cut -d' ' -f1 "$folder/row")"
		for mode in graphile-worker graphile-worker-2 pg-boss-fetch; do
			peer $mode drain "$drain" >"$folder/row"
			cat "$folder/row" >>"$folder/$mode.$1"
			line="$line, $mode $(cat "$folder/row")"
		done
		echo "$line"
	done
	if [ "$1" = "$few" ]; then
		peer pg-boss drain $((drain / 10)) >"$folder/pg-boss.$1"
		echo "   pg-boss by work() $(cat "$folder/pg-boss.$1")"
	fi
	echo "Late, p50 and p99 in µs:"
	for pair in $(seq "$pairs"); do
		ours "$single" $apart_ms >"$folder/row"
		cut -d' ' -f2 "$folder/row" >>"$folder/p50.$1"
		cut -d' ' -f3 "$folder/row" >>"$folder/p99.$1"
		echo "   $pair/$pairs: tracktwod $(cut -d' ' -f2- "$folder/row")"
	done
	for mode in graphile-worker pg-boss; do
		peer $mode latency "$single" $apart_ms >"$folder/late.$mode.$1"
		echo "   $mode $(cat "$folder/late.$mode.$1")"
	done
}
all "$few"
all "$many"

results=
# add NAME FIGURE LIMIT AIM BETTER
add() {
	met=$(awk -v r="$2" -v l="$3" -v b="$5" 'BEGIN { print (b == "more" ? r >= l : r <= l) ? "true" : "false" }')
	results="$results$1|$2|$3|$4|$met
"
}
by() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f\n", a / b }'; }
# The better of a library's ways, pair by pair.
ratio() { paste -d' ' "$folder/ours.$1" "$folder/$2.$1" "$folder/$3.$1" | awk '{ printf "%.3f\n", $1 / ($2 > $3 ? $2 : $3) }' | median; }
for pending in "$few" "$many"; do
	add "drain-by-graphile-worker-$pending" "$(ratio "$pending" graphile-worker graphile-worker-2)" 3 4.5 more
	add "drain-by-pg-boss-$pending" "$(ratio "$pending" pg-boss-fetch pg-boss-fetch)" 1 3 more
	add "due-to-delivered-p99-ms-$pending" "$(by "$(of "p99.$pending")" 1000)" 10 3 less
done
add "drain-few-by-many" "$(by "$(of "ours.$few")" "$(of "ours.$many")")" 1.25 1.1 less
add "p50-many-by-few" "$(by "$(of "p50.$many")" "$(of "p50.$few")")" 1.25 1.1 less
add "p99-many-by-few" "$(by "$(of "p99.$many")" "$(of "p99.$few")")" 1.25 1.1 less

printf '%s' "$results" | awk -F'|' -v json="$build/bench-reminders.json" '
	BEGIN { printf "\n%-36s %8s %8s %8s\n", "", "figure", "limit", "aim"; printf "[" >json }
	{ printf "%-36s %8s %8s %8s  %s\n", $1, $2, $3, $4, $5 == "true" ? "met" : "MISSED"
		printf "%s\n  {\"name\": \"%s\", \"ratio\": %s, \"limit\": %s, \"aim\": %s, \"met\": %s}", (NR > 1 ? "," : ""), $1, $2,
			$3, $4, $5 >json }
	END { print "\n]" >json }'
echo "Written to $build/bench-reminders.json: $drain due, medians of $pairs pairs; latency of $single, $apart_ms ms apart"
