#!/bin/sh
# The floor check: an #include points to a lower floor, or to its own without a loop; each library has its rooms.
# A file's floor is that of its folder; src/ and include/ have the same folders.
cd "$(dirname "$0")/.." || exit 1
status=0
fault() { echo "floors: $*"; status=1; }

floor_of() {
	case $1 in
	base) echo 0 ;; text) echo 1 ;; io) echo 2 ;; rpc) echo 3 ;; api | remind | feed | cluster | deliver | keep) echo 4 ;; cli | daemon) echo 5 ;;
	*) echo 9 ;;
	esac
}

# "from to" for each #include of one of our own headers, by folder and by file (without its ending).
edges=$(grep -HoE '^#include "[a-z]+/[a-z0-9_]+\.h"' src/*/*.[ch] include/*/*.h |
	sed -E 's/^(src|include)\/([a-z]+)\/([a-z0-9_]+)\.[ch]:#include "([a-z]+)\/([a-z0-9_]+)\.h"/\2 \3 \4 \5/')
[ -n "$edges" ] || fault "no includes found: this check is broken"
while read -r from file to header; do
	[ "$(floor_of "$to")" -le "$(floor_of "$from")" ] || fault "$from/$file includes $to/$header, which stands higher"
	[ "$(floor_of "$from")" != 9 ] || fault "$from is no room of the house"
done <<-END
	$edges
END

# tsort prints a loop among headers on standard error.
loops=$(grep -HoE '^#include "[a-z]+/[a-z0-9_]+\.h"' include/*/*.h |
	sed -E 's/^include\/([a-z0-9_\/]+)\.h:#include "([a-z0-9_\/]+)\.h"/\1 \2/' | tsort 2>&1 >/dev/null)
[ -z "$loops" ] || fault "headers include each other: $loops"

# library header → the files that may include it
only() {
	pattern=$1
	shift
	for file in $(grep -lE "^#include <$pattern" src/*.c src/*/*.[ch] include/*/*.h); do
		allowed=
		for room in "$@"; do case $file in $room) allowed=1 ;; esac; done
		[ -n "$allowed" ] || fault "$file includes <$pattern>, which belongs to: $*"
	done
}
only 'libpq-fe' 'src/io/pg*' 'src/io/migrate*' 'include/io/migrate_db.h' 'src/keep/*'
only 'event2/' 'src/io/conn*' 'src/io/http*' 'src/io/pg*' 'src/remind/engine.c' 'src/feed/feed.c' 'src/cluster/*' 'src/deliver/*' \
	'src/daemon/daemon.c' 'src/daemon/backups.c' 'src/daemon/senders.c'
only 'systemd/' 'src/daemon/service.c'
only 'event2/http' 'src/io/http*'
only 'unicode/' 'src/text/names.c' 'src/text/holidays.c' 'src/text/country.c'
only 'libical/' 'src/text/recurrence.c'
only 'curl/' 'src/deliver/curl_loop.c'
only 'openssl/' 'src/text/digest.c' 'src/text/base64.c'
only 'ini\.h' 'src/text/config.c'
only 'libsmartcols' 'src/cli/*'

# A folder under src/ has its twin under include/, and the other way about.
for folder in src/*/; do [ -d "include/$(basename "$folder")" ] || fault "$folder has no twin under include/"; done
for folder in include/*/; do [ -d "src/$(basename "$folder")" ] || fault "$folder has no twin under src/"; done
[ $status = 0 ] && echo "floors: clean"
exit $status
