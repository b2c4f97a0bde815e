#!/bin/sh
# What `make install` and `make uninstall` do: one list, gone through in either direction.
# Usage: install.sh install|uninstall FOLDER-OF-THE-PROGRAMS, with DESTDIR, prefix, sysconfdir and UNITS (empty: none)
# from the environment.
set -eu
do=$1
build=$2
sbin=$prefix/sbin
bin=$prefix/bin
conf=$sysconfdir/tracktwo/tracktwo.conf

# MODE SOURCE TARGET
put() {
	if [ "$do" = install ]; then
		install -D -m "$1" "$2" "$DESTDIR$3"
	else
		rm -f "$DESTDIR$3"
	fi
}

# What a unit says of paths follows the prefix. SOURCE TARGET
put_unit() {
	sed -e "s|/usr/local/sbin/|$sbin/|g" -e "s|/usr/local/bin/|$bin/|g" -e "s|/etc/tracktwo/|$sysconfdir/tracktwo/|g" \
		"$1" >"$build/unit"
	put 644 "$build/unit" "$2"
	rm "$build/unit"
}

# SHELL TARGET
put_completion() {
	if [ "$do" = install ]; then
		"$build/tracktwo" completion "$1" >"$build/completion" 2>/dev/null </dev/null || { rm "$build/completion"; return 0; }
		put 644 "$build/completion" "$2"
		rm "$build/completion"
	else
		put 644 none "$2"
	fi
}

put 755 "$build/tracktwod" "$sbin/tracktwod"
put 755 "$build/tracktwo" "$bin/tracktwo"
for page in tracktwo.1 tracktwo.conf.5 tracktwod.8; do
	if [ "$do" = uninstall ] || [ -e "$build/$page" ]; then
		put 644 "$build/$page" "$prefix/share/man/man${page##*.}/$page"
	fi
done
put_completion bash "$prefix/share/bash-completion/completions/tracktwo"
put_completion zsh "$prefix/share/zsh/site-functions/_tracktwo"
if [ -n "$UNITS" ]; then
	for unit in systemd/*.service systemd/*.socket systemd/*.timer; do
		if [ -e "$unit" ]; then put_unit "$unit" "$prefix/lib/systemd/system/${unit##*/}"; fi
	done
	put 644 systemd/tracktwo.sysusers "$prefix/lib/sysusers.d/tracktwo.conf"
	put 644 systemd/tracktwo.tmpfiles "$prefix/lib/tmpfiles.d/tracktwo.conf"
fi
# The configuration is whoever's who wrote it: never written over, never removed.
if [ "$do" = install ] && [ ! -e "$DESTDIR$conf" ]; then put 644 config/tracktwo.conf "$conf"; fi

[ -z "$DESTDIR" ] || exit 0
if [ "$do" = uninstall ]; then
	echo "Removed. What was written stays: $conf, the data in /var/lib/tracktwo, the user tracktwo."
elif [ -n "$UNITS" ]; then
	cat <<-END
		Installed. Next, as root:
		  systemd-sysusers && systemd-tmpfiles --create && systemctl daemon-reload
		  systemctl enable --now tracktwod.service
		  adduser SOMEBODY tracktwo        # who may connect; root is the first administrator
		Settings: $conf; systemctl reload tracktwod takes them over.
	END
else
	echo "Installed, without units of systemd, for libsystemd was not there when it was built. Start: $sbin/tracktwod -c $conf"
fi
