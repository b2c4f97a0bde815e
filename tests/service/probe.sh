#!/bin/sh
# Inside the container: the daemon as systemd has started it. The last line is "probe: clean" when all is as it should be.
fault() {
	echo "probe: $*"
	systemctl status --no-pager --full tracktwod.service tracktwod.socket
	journalctl --no-pager -u tracktwod.service | tail -30
	exit 1
}
property() { systemctl show --value --property="$1" tracktwod.service; }
# Until a command succeeds, for 60 s.
await() {
	for _ in $(seq 600); do
		if "$@" >/dev/null 2>&1; then return 0; fi
		sleep 0.1
	done
	fault "never came: $*"
}
active() { systemctl is-active --quiet tracktwod.service; }
said() { journalctl -u tracktwod.service -o cat | grep -q "$1"; }
log() {
	tracktwo engagement log --title 'Lunch on sanctions relief' --kind meeting --countries CN --workstreams 1.3 \
		--starts-on 2026-11-20
}

systemctl --version | head -1
await active
[ "$(property StatusText)" = Serving ] || fault "its status is $(property StatusText)"
main=$(property MainPID)
[ "$(stat -c %U:%G:%a /run/tracktwo/tracktwo.sock)" = tracktwo:tracktwo:660 ] || fault 'the socket is not as the unit says'
[ "$(ps -o user= -p "$main")" = tracktwo ] || fault 'it runs as somebody else'
log >/dev/null || fault 'nothing could be logged'
echo "runs as $(ps -o user= -p "$main"), with PostgreSQL as its child; an engagement was logged through systemd's socket"

# A caller's user is known through all the walls; who is not of the group does not come that far.
useradd --no-create-home --groups tracktwo kim && useradd --no-create-home lee || fault 'no users can be made'
kim=$(tracktwo --json principal create --name Kim --role officer --unix-user kim) || fault 'no principal can be made'
tracktwo --json session whoami | grep -q '"administrator"' || fault 'root is not known by its user'
runuser -u kim -- tracktwo --json session whoami | grep -q '"officer"' || fault "a colleague is not known by their user: $kim"
if runuser -u lee -- tracktwo session whoami >/dev/null 2>&1; then fault 'somebody outside the group may connect'; fi

# Reload: a right file, a wrong one.
printf '[daemon]\nlog_level = debug\n' >/etc/tracktwo/tracktwo.conf
systemctl reload tracktwod.service || fault 'a right configuration does not reload'
await said 'changed: \[daemon\] log_level'
printf '[daemon]\nlog_level = debug\nmax_clints = 5\n' >/etc/tracktwo/tracktwo.conf
systemctl reload tracktwod.service || fault 'a wrong configuration ends the reload'
await said 'the configuration stays as it was: /etc/tracktwo/tracktwo.conf:3: unknown key'
active || fault 'a wrong configuration ended it'
[ "$(property MainPID)" = "$main" ] || fault 'it was restarted'

# Fields of the journal.
log >/dev/null || fault 'nothing could be logged'
await sh -c 'journalctl -u tracktwod.service -o json | grep "TRACKTWO_CALL" | grep -q TRACKTWO_CONNECTION'
journalctl -u tracktwod.service -o json | grep 'ready on' | grep -q '"CODE_FILE":"src/daemon/daemon.c"' || fault 'no CODE_FILE'
if journalctl -u tracktwod.service | grep -q Lunch; then fault 'the journal knows a title'; fi

# Stuck, it is ended by the watchdog and started anew; the socket stays, and what was logged is there.
mkdir -p /run/systemd/system/tracktwod.service.d
printf '[Service]\nWatchdogSec=2\n' >/run/systemd/system/tracktwod.service.d/probe.conf
printf '[daemon]\nlog_level = info\n' >/etc/tracktwo/tracktwo.conf
systemctl daemon-reload && systemctl restart tracktwod.service || fault 'no restart'
main=$(property MainPID)
sleep 5
[ "$(property NRestarts)" = 0 ] || fault 'the watchdog bites a daemon that is well'
kill -STOP "$main"
await sh -c '[ "$(systemctl show --value --property=NRestarts tracktwod.service)" -gt 0 ]'
await active
[ "$(tracktwo --json engagement history --country CN | grep -o Lunch | wc -l)" -ge 2 ] || fault 'what was logged is gone'
echo 'stopped by SIGSTOP, it was ended by the watchdog, and the next one has all that was logged'

# Stop, and a start by the socket alone.
systemctl stop tracktwod.service 2>/dev/null || fault 'no stop'
[ "$(property Result)" = success ] || fault "its end was $(property Result)"
tracktwo wait --for 60 >/dev/null || fault 'the socket does not start it'
active || fault 'the socket did not start it'

# The timer's backup, behind its own walls.
systemctl start tracktwo-backup.service || fault "no backup: $(journalctl --no-pager -u tracktwo-backup.service | tail -5)"
backup=$(find /var/lib/tracktwo/backups -name '*.backup')
[ "$(stat -c %U:%a "$backup")" = tracktwo:600 ] || fault "the backup is not the daemon's alone: $backup"
[ -s "$backup.verified" ] || fault 'the backup was not verified'
systemctl start tracktwo-backup.timer && systemctl list-timers --no-pager | grep -q tracktwo-backup || fault 'no timer'
tracktwo --json doctor | grep -q 'the newest verified backup' || fault 'the doctor does not know of the backup'
echo 'the timer is set, and the backup that it starts was restored and compared'

# A wrong configuration at the start: 78, and not tried again.
printf '[daemon]\nmax_clints = 5\n' >/etc/tracktwo/tracktwo.conf
systemctl stop tracktwod.service tracktwod.socket
if systemctl start tracktwod.service 2>/dev/null; then fault 'it starts with a wrong configuration'; fi
[ "$(property ExecMainStatus)" = 78 ] || fault "its status was $(property ExecMainStatus)"
sleep 4
[ "$(property ActiveState)" = failed ] || fault 'it is tried again and again'
said 'tracktwo.conf:2: unknown key "max_clints"' || fault 'the journal does not say which line'
systemd-analyze security --no-pager tracktwod.service | tail -1
echo 'probe: clean'
