#!/bin/sh
# The daemon beside pgbench: the same functions of the same database, in turns, on a throw-away cluster.
#
# A pair is one run of the load program (128 clients on the daemon's socket, or one) and one of pgbench (four prepared
# connections, or one) a few seconds long; only the ratio within a pair is compared, so that a noisy machine matters less,
# and the median of the pairs counts. Settings of the sessions are the daemon's. Nothing fails on a missed limit: the table
# and bench.json say which were met.
# Usage: bench.sh FOLDER-OF-THE-PROGRAMS    Environment: SIZE engagements, PAIRS, SECONDS_EACH, IDLE connections,
# ONLY a row of the table (idle-connection-bytes, get, …)
set -eu
build=$1
size=${SIZE:-200000} pairs=${PAIRS:-5} seconds=${SECONDS_EACH:-4} idle=${IDLE:-10000} only=${ONLY:-}
tools=/usr/lib/postgresql/15/bin
[ -x $tools/pgbench ] || { echo 'bench: PostgreSQL 15 is missing; make deps'; exit 1; }
here=$(dirname "$0")
folder=$(mktemp -d /tmp/tracktwo-bench-XXXXXX)
chmod 755 "$folder"
state=$folder/state socket=$folder/state/socket daemon=

# Ends what was started here, and removes the folder once nothing lives in it.
leave() {
	status=$?
	trap - EXIT INT TERM
	stop_daemon || true
	[ $status = 0 ] || { echo 'The daemon said:'; cat "$folder/log" 2>/dev/null || true; }
	rm -rf "$folder"
	exit $status
}
start_daemon() {
	"$build/tracktwod" -s database.dsn=embedded -s daemon.http=off -s daemon.state_dir="$state" -s daemon.socket="$socket" \
		-s daemon.max_clients=$((idle + 1000)) \
		>>"$folder/log" 2>&1 &
	daemon=$!
	"$build/tracktwo" --socket "$socket" wait --for 60 >/dev/null
}
stop_daemon() {
	[ -n "$daemon" ] || return 0
	kill -TERM $daemon 2>/dev/null || true
	wait $daemon || true
	daemon=
}
trap leave EXIT
trap 'exit 130' INT TERM

# Descriptors for the daemon; where they are not to be had, fewer connections.
ulimit -n $((idle + 1000)) 2>/dev/null || ulimit -n "$(ulimit -Hn)"
[ "$(ulimit -n)" -ge $((idle + 1000)) ] || { idle=$(($(ulimit -n) - 200)); echo "Only $idle idle connections: see ulimit -n"; }

psql() { $tools/psql -X -h "$state/postgres/socket" -U postgres -d tracktwo -v ON_ERROR_STOP=1 "$@"; }
ask() { psql -Atc "SET tracktwo.caller = '00000000-0000-0000-0000-000000000000'" -c "$1" | tail -1; }

echo "Starting a daemon with a cluster of its own in $folder"
start_daemon
began=$(date +%s)
printf 'Filling it with %s engagements: ' "$size"
psql -q -v size="$size" -f "$here/fill.sql"
echo "$(($(date +%s) - began)) s"
echo "Durable: fsync $(ask 'SHOW fsync'), synchronous_commit $(ask 'SHOW synchronous_commit'), full_page_writes" \
	"$(ask 'SHOW full_page_writes')"

api=$(ask "SELECT nspname FROM pg_namespace WHERE nspname ~ '^api_'")
caller="p_caller => '00000000-0000-7000-8000-000000000001'"
engagement="('019b0000-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid"
country="(ARRAY['US', 'CN', 'RU', 'JP', 'KP'])[:c::int]"

cat >"$folder/get.sql" <<END
\\set n random(1, $size)
SELECT $api.engagement_get($caller, p_id => $engagement)::text;
END
cat >"$folder/page.sql" <<END
\\set c random(1, 5)
\\set y random(6, 25)
SELECT $api.engagement_history($caller, p_country => $country, p_countries_all => NULL, p_workstream => NULL,
	p_objective => NULL, p_phase => NULL, p_topic => NULL, p_kind => NULL, p_track => NULL, p_status => NULL,
	p_dialogue_id => NULL, p_contact_id => NULL, p_organization_id => NULL, p_owner => NULL, p_since => NULL,
	p_until => '20' || lpad(:y::int::text, 2, '0') || '-06-15', p_text => NULL, p_order => NULL, p_cursor => NULL, p_limit => 50)::text;
END
# Three counted contacts; each call under a request_id of its own, as the daemon gives one to each.
contact() { printf '{"contact_id": "019b0000-0000-7000-9000-%%s"}'; }
cat >"$folder/log.sql" <<END
\\set n random(1, $((size / 10 - 2)))
\\set c random(1, 5)
\\set d random(1, 28)
\\set t random(1, 1000000)
SELECT $api.engagement_log($caller, p_request => jsonb_build_object('request_id', gen_random_uuid(), 'digest',
		'$(printf '5a%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32)',
		'method', 'engagement.log'), p_id => NULL,
	p_title => 'Consultation ' || :t::int || ' on sanctions relief', p_kind => 'meeting', p_track => '2',
	p_status => NULL, p_starts_at => ('2026-03-' || lpad(:d::int::text, 2, '0') || 'T10:00:00+09:00')::timestamptz,
	p_ends_at => NULL, p_timezone => NULL, p_starts_on => NULL, p_ends_on => NULL, p_precision => NULL, p_location => NULL,
	p_format => NULL, p_countries => ARRAY[$country], p_workstreams => '[{"code": "1.3"}, {"code": "2.3"}]', p_topics => NULL,
	p_participants => format('[$(contact), $(contact), $(contact)]', lpad(to_hex(:n::bigint), 12, '0'),
		lpad(to_hex(:n::bigint + 1), 12, '0'), lpad(to_hex(:n::bigint + 2), 12, '0'))::jsonb,
	p_audience => NULL, p_dialogue_id => NULL, p_parent_id => NULL, p_languages => NULL, p_attribution => NULL,
	p_sensitivity => NULL, p_agenda => NULL, p_readout => 'Both sides went through the annex, line by line; the counterpart '
		'asked for the paper on monitoring before the next round, and offered to host it.', p_private_notes => NULL,
	p_outcomes => NULL, p_sources => NULL, p_owner => NULL, p_commitments => NULL, p_follow_up => NULL)::text;
END

# load KIND CLIENTS: a second, p50, p99, all answers
load() { "$build/tests/bench/load" "$socket" "$1" "$2" "$seconds" "$size" | cut -d' ' -f2-; }
# pgbench KIND CONNECTIONS: a second, p50, p99, all answers
pgbench() {
	rm -f "$folder"/latency.*
	PGOPTIONS='-c jit=off -c timezone=UTC' $tools/pgbench -h "$state/postgres/socket" -U tracktwo_daemon -n -M prepared \
		-c "$2" -j 1 -T "$seconds" -f "$folder/$1.sql" -l --log-prefix="$folder/latency" tracktwo >"$folder/pgbench" 2>&1 ||
		{ cat "$folder/pgbench" >&2; return 1; }
	sort -n -k3,3 "$folder"/latency.* | awk -v tps="$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$folder/pgbench")" '
		{ at[NR] = $3 } END { print tps, at[int((NR + 1) / 2)], at[int((NR * 99 + 99) / 100)], NR }'
}
median() { sort -n | awk '{ at[NR] = $1 } END { print NR % 2 ? at[(NR + 1) / 2] : (at[NR / 2] + at[NR / 2 + 1]) / 2 }'; }

results=
logged=0
wanted() { [ -z "$only" ] || [ "$only" = "$1" ]; }
# row NAME KIND CLIENTS CONNECTIONS FIELD LIMIT AIM BETTER: field 1 compares what is done a second, field 2 the p50.
row() {
	wanted "$1" || return 0
	: >"$folder/pairs"
	for pair in $(seq "$pairs"); do
		ours=$(load "$2" "$3")
		theirs=$(pgbench "$2" "$4")
		echo "$ours $theirs" >>"$folder/pairs"
		echo "$1 $pair/$pairs: tracktwod $ours    pgbench $theirs" | awk '{ $1 = $1; print "   " $0 }' | cut -c1-150
		[ "$2" != log ] || logged=$((logged + ${ours##* } + ${theirs##* }))
	done
	ratio=$(awk -v f="$5" '{ printf "%.3f\n", $f / $(f + 4) }' "$folder/pairs" | median)
	add "$1" "$ratio" "$6" "$7" "$8" "$(cut -d' ' -f"$5" "$folder/pairs" | median)" \
		"$(cut -d' ' -f$(($5 + 4)) "$folder/pairs" | median)" "$(cut -d' ' -f3 "$folder/pairs" | median)"
}
# add NAME FIGURE LIMIT AIM BETTER OURS THEIRS P99
add() {
	met=$(awk -v r="$2" -v l="$3" -v b="$5" 'BEGIN { print (b == "more" ? r >= l : r <= l) ? "true" : "false" }')
	results="$results$1|$2|$3|$4|$met|$6|$7|$8
"
}

echo "Each line: a second, p50 µs, p99 µs, all answers"
before=$(ask 'SELECT count(*) FROM store.engagement')
row get get 128 4 1 0.8 2.5 more
row page page 128 4 1 1.0 4 more
row log log 128 4 1 1.5 3.5 more
row one-client-get get 1 1 2 1.25 1.1 less
row one-client-log log 1 1 2 1.25 1.1 less
after=$(ask 'SELECT count(*) FROM store.engagement')
[ $((after - before)) = "$logged" ] || { echo "bench: $logged were logged, $((after - before)) are there"; exit 1; }

if wanted idle-connection-bytes; then
	echo "Connecting $idle clients to a fresh daemon"
	stop_daemon
	start_daemon
	bytes=$("$build/tests/bench/load" "$socket" idle "$idle" 0 "$size")
	add idle-connection-bytes "$bytes" 400 256 less "$bytes" - -
fi
[ -n "$results" ] || { echo "bench: ONLY=$only is no row of the table"; exit 1; }

printf '%s' "$results" | awk -F'|' -v json="$build/bench.json" '
	BEGIN { printf "\n%-22s %12s %12s %10s %8s %8s %8s\n", "", "tracktwod", "pgbench", "p99 µs", "figure", "limit", "aim"
		printf "[" >json }
	{ printf "%-22s %12s %12s %10s %8s %8s %8s  %s\n", $1, $6, $7, $8, $2, $3, $4, $5 == "true" ? "met" : "MISSED"
		printf "%s\n  {\"name\": \"%s\", \"ratio\": %s, \"limit\": %s, \"aim\": %s, \"met\": %s}", (NR > 1 ? "," : ""), $1, $2,
			$3, $4, $5 >json }
	END { print "\n]" >json }'
echo "Written to $build/bench.json, $size engagements, medians of $pairs pairs of $seconds s"
