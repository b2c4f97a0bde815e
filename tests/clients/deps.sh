#!/bin/sh
# Installs what the client programs need and is missing: by command where it may come from elsewhere than Debian. Starts no
# service: of the package prometheus only promtool is wanted.
set -eu
cd "$(dirname "$0")"
missing=
command -v node >/dev/null || missing="$missing nodejs"
command -v npm >/dev/null || missing="$missing npm"
command -v openssl >/dev/null || missing="$missing openssl"
command -v promtool >/dev/null || missing="$missing prometheus"
/usr/bin/python3 -c 'import jsonrpclib.jsonrpc' 2>/dev/null || missing="$missing python3-jsonrpclib-pelix"
/usr/bin/python3 -c 'import icalendar' 2>/dev/null || missing="$missing python3-icalendar"
[ -x /usr/bin/khal ] || missing="$missing khal"

if [ -n "$missing" ]; then
	if ! command -v apt-get >/dev/null; then
		echo "This is no Debian-like system. Install what these Debian packages hold, then run make again:$missing"
		exit 1
	fi
	if [ "$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; else
		echo "Missing, and there is no sudo: ask an administrator to run apt-get install --no-install-recommends$missing"
		exit 1
	fi
	echo "Installing:$missing"
	# 101 is "not allowed": what a package would start stays off. A policy that is there already is the machine's own.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap '$sudo rm -f $policy' EXIT
		trap 'exit 1' INT TERM
		printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
		$sudo chmod 755 $policy
	fi
	$sudo apt-get update -qq
	# shellcheck disable=SC2086 # several words
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

# Again only when the lock file has changed.
if ! cmp -s package-lock.json node_modules/.installed; then
	npm ci --no-audit --no-fund --ignore-scripts --silent
	cp package-lock.json node_modules/.installed
fi
