#!/bin/sh
# Other people's programs, clients of JSON-RPC and readers of calendars, unchanged, against a throw-away daemon: first with
# HTTP on a port, then, started again on the same data, with HTTP on a Unix socket. Prints how many checks passed; make
# test-clients runs it.
# Usage: run.sh [FOLDER-OF-THE-PROGRAMS]
set -eu
TRACKTWO_BUILD=$(readlink -f "${1:-build}")
cd "$(dirname "$0")"
[ -x "$TRACKTWO_BUILD/tracktwod" ] || { echo "there is no $TRACKTWO_BUILD/tracktwod; make it first"; exit 1; }
folder=$(mktemp -d /tmp/tracktwo-clients-XXXXXX)
chmod 755 "$folder"
TRACKTWO_SOCKET=$folder/state/socket
export TRACKTWO_BUILD TRACKTWO_SOCKET
daemon=
broken=0

# By its id alone, and waited for: it drains, and stops its PostgreSQL.
stop() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" || { echo "FAILED the daemon ended with status $?"; broken=$((broken + 1)); }
	daemon=
}
end() {
	status=$?
	trap - EXIT
	stop
	rm -rf "$folder"
	exit $status
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start HTTP: a port or a path
start() {
	TRACKTWO_HTTP=$1
	case $1 in /*) listen=$1 ;; *) listen=127.0.0.1:$1 ;; esac
	"$TRACKTWO_BUILD/tracktwod" -s "daemon.state_dir=$folder/state" -s "daemon.socket=$TRACKTWO_SOCKET" \
		-s "daemon.tcp=127.0.0.1:$TRACKTWO_TCP" -s "daemon.http=$listen" >>"$folder/log" 2>&1 &
	daemon=$!
	if ! "$TRACKTWO_BUILD/tracktwo" --socket "$TRACKTWO_SOCKET" wait --for 60 >/dev/null; then
		echo "The daemon did not start:"
		cat "$folder/log"
		exit 1
	fi
	export TRACKTWO_HTTP
}

# One that ends badly and has named no failure is one.
run() {
	status=0
	timeout 120 "$@" >"$folder/output" 2>&1 || status=$?
	cat "$folder/output"
	cat "$folder/output" >>"$folder/all"
	if [ $status != 0 ] && ! grep -q '^FAILED' "$folder/output"; then
		echo "FAILED $* ended with status $status"
		broken=$((broken + 1))
	fi
}

free_ports='const net = require("net"), a = net.createServer(), b = net.createServer();
a.listen(0, "127.0.0.1", () => b.listen(0, "127.0.0.1", () => {
	console.log(a.address().port, b.address().port); a.close(); b.close(); }));'
ports=$(node -e "$free_ports")
TRACKTWO_TCP=${ports% *}
export TRACKTWO_TCP

start "${ports#* }"
as_administrator() { "$TRACKTWO_BUILD/tracktwo" --socket "$TRACKTWO_SOCKET" --json "$@"; }
member() { node -p 'JSON.parse(require("fs").readFileSync(0))[process.argv[1]]' "$1"; }
me=$(as_administrator session whoami | member principal_id)
TRACKTWO_TOKEN=$(as_administrator token create --principal-id "$me" | member token)
export TRACKTWO_TOKEN

run node deliver.js
run node followup.js
run node jayson.js
run node client_js.js
run node openrpc.js
run node web.js
run node feed.js
run /usr/bin/python3 pelix.py
run /usr/bin/python3 feed.py
stop

start "$folder/state/http"
run node jayson.js
run /usr/bin/python3 pelix.py
stop

passed=$(grep -c '^ok ' "$folder/all" || true)
failed=$(($(grep -c '^FAILED ' "$folder/all" || true) + broken))
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
