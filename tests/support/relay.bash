# shellcheck shell=bash
# relay.bash - a mail relay of one's own (smtp_peer.py) for bats files:
#
#   relay_start [OPTION...]      in setup or in the test; RELAY is its URL, RELAY_DIR holds mails, events and the plan
#   relay_plan 'rcpt 450 1'      what it does from the next connection on
#   relay_mails                  how many it has kept
#   relay_event PATTERN [N]      waits until N of its events (one) look like that
#   relay_stop                   in teardown
#
# Or one that people use, OpenSMTPD, with a spool and a port of its own in a mount namespace:
#
#   relay_real                   can it be had here?   (./dev deps mail installs it)
#   relay_real_start             RELAY takes mail for example.do into the maildir RELAY_DIR/box; RELAY_DIR/log is its log
#
# Or Postfix, which pipelines. As a package it would take the other's place, so it is unpacked beside the system:
#
#   relay_postfix_start          RELAY takes mail for example.do into the maildir RELAY_DIR/box; RELAY_DIR/log is its log

relay_start() {
    RELAY_DIR=$(mktemp -d)
    : >"$RELAY_DIR/plan"
    : >"$RELAY_DIR/events"
    exec {RELAY_OUT}< <(exec "$BATS_TEST_DIRNAME/../support/smtp_peer.py" "$RELAY_DIR" --plan "$RELAY_DIR/plan" "$@" 2>"$RELAY_DIR/errors" 3>&-)
    RELAY_PID=$!
    read -r -t 60 ready port <&"$RELAY_OUT" && [ "$ready" = ready ] && export RELAY=smtp://127.0.0.1:$port
}

relay_plan() {
    printf '%s\n' "$@" >"$RELAY_DIR/plan.new"
    mv "$RELAY_DIR/plan.new" "$RELAY_DIR/plan"
}

relay_mails() { find "$RELAY_DIR" -name '*.eml' | wc -l; }

relay_event() { # PATTERN [N]
    [ "$(grep -m "${2:-1}" -c "$1" < <(timeout 60 tail -n +1 -f "$RELAY_DIR/events" 2>/dev/null))" = "${2:-1}" ]
}

relay_open() { # N - the Nth mail, as a reader's program shows it
    "$BATS_TEST_DIRNAME/../support/mail_open.py" "$(printf '%s/%04d.eml' "$RELAY_DIR" "$1")"
}

relay_real() {
    command -v smtpd >/dev/null && unshare -m --propagation private mount -t tmpfs none /var/spool 2>/dev/null
}

relay_port() { # chooses RELAY's port and makes RELAY_DIR
    port=$(/usr/bin/python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
    RELAY_DIR=$(mktemp -d)
    export RELAY=smtp://127.0.0.1:$port
    chmod 0711 "$RELAY_DIR"
}

relay_listens() { # waits until it greets
    until /usr/bin/python3 -c 'import socket, sys; sys.exit(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5).recv(3) != b"220")' "$port" 2>/dev/null; do
        kill -0 "$RELAY_PID" # it listens a moment after it has said that it starts
    done
}

relay_real_start() {
    local port
    relay_port
    install -d -o nobody "$RELAY_DIR/box"
    install -d -m 0711 "$RELAY_DIR/spool"
    cat >"$RELAY_DIR/smtpd.conf" <<-END
		listen on 127.0.0.1 port $port
		smtp limit max-mails 1000000
		table everybody { "@example.do" = "nobody" }
		action "keep" maildir "$RELAY_DIR/box" virtual <everybody>
		match from any for domain "example.do" action "keep"
	END
    # what it has in fixed places is its own, so that several may run: its control socket and its queue
    unshare -m --propagation private sh -euc 'mount -t tmpfs none /run
        mount -t tmpfs none /var/spool
        mkdir -m 0711 /var/spool/smtpd
        mount --bind "$2" /var/spool/smtpd
        exec smtpd -d -f "$1"' \
        sh "$RELAY_DIR/smtpd.conf" "$RELAY_DIR/spool" >"$RELAY_DIR/log" 2>&1 3>&- &
    RELAY_PID=$!
    relay_listens
}

relay_postfix_start() {
    local port unpacked=$PWD/build/postfix
    relay_port
    [ -d "$unpacked/usr" ] || (mkdir -p "$unpacked" && cd "$unpacked" && apt-get -qq -o APT::Sandbox::User=root download postfix && dpkg-deb -x postfix_*.deb .) || return
    mkdir "$RELAY_DIR/etc" "$RELAY_DIR/spool" "$RELAY_DIR/data"
    install -d -o nobody "$RELAY_DIR/box"
    cat >"$RELAY_DIR/etc/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $RELAY_DIR/spool
		data_directory = $RELAY_DIR/data
		meta_directory = $unpacked/etc/postfix
		maillog_file = /dev/stdout
		myhostname = relay.example.do
		mydestination =
		mynetworks = 127.0.0.0/8
		virtual_mailbox_domains = example.do
		virtual_mailbox_base = $RELAY_DIR
		virtual_mailbox_maps = static:box/
		virtual_uid_maps = static:$(id -u nobody)
		virtual_gid_maps = static:$(id -g nobody)
	END
    cat >"$RELAY_DIR/etc/master.cf" <<-END
		127.0.0.1:$port inet n - n - - smtpd
		cleanup unix n - n - 0 cleanup
		qmgr unix n - n 300 1 qmgr
		rewrite unix - - n - - trivial-rewrite
		bounce unix - - n - 0 bounce
		defer unix - - n - 0 bounce
		proxymap unix - - n - - proxymap
		virtual unix - n n - - virtual
		anvil unix - - n - 1 anvil
		postlog unix-dgram n - n - 1 postlogd
	END
    cat /etc/passwd - >"$RELAY_DIR/passwd" <<<'postfix:x:64990:64990::/:/usr/sbin/nologin'
    printf '%s\n' "$(</etc/group)" postfix:x:64990: postdrop:x:64991: >"$RELAY_DIR/group"
    chown 64990 "$RELAY_DIR/data"
    unshare -m --propagation private sh -euc 'mount -t overlay -o lowerdir="$1/usr:/usr" overlay /usr
        mount --bind "$2/passwd" /etc/passwd
        mount --bind "$2/group" /etc/group
        postfix -c "$2/etc" check
        exec /usr/lib/postfix/sbin/master -s -c "$2/etc"' \
        sh "$unpacked" "$RELAY_DIR" >"$RELAY_DIR/log" 2>&1 3>&- &
    RELAY_PID=$!
    relay_listens
}

relay_stop() {
    [ -z "${RELAY_PID:-}" ] || kill "$RELAY_PID" 2>/dev/null || :
    [ -z "${RELAY_DIR:-}" ] || rm -rf "$RELAY_DIR"
}
