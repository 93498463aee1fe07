# shellcheck shell=bash
# common.bash - what run and stop share: where the demonstration lives, its language, its processes.

DEMO=${MEJORA_DEMO:-/var/tmp/mejora-demo-$(id -u)} # a server started as root becomes somebody who must get to its data
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in en*) LANGUAGE=en ;; *) LANGUAGE=es ;; esac
BUILD=${MEJORA_BUILD:-$PWD/build}
PATH=$BUILD/bin:$PATH
TEXTDOMAINDIR=$BUILD/share/locale
export PATH LANGUAGE TEXTDOMAINDIR TEXTDOMAIN=mejora LC_ALL=C.UTF-8

gettext() { # in a locale in which it translates (common/message.c)
    env LC_ALL=es.UTF-8 LOCPATH="$TEXTDOMAINDIR/names" gettext "$@"
}

tell() { # TEXT [ARG...] - in the reader's language
    # shellcheck disable=SC2059 # the catalogue's texts are formats
    printf "$(gettext "$1")\n" "${@:2}"
}

die() { # TEXT [ARG...]
    tell "$@" >&2
    exit 1
}

# Starts what goes on after the demonstration has ended.
process_start() { # NAME COMMAND...
    : >"$DEMO/log/$1" # there for whoever waits for its lines
    setsid "${@:2}" >>"$DEMO/log/$1" 2>&1 </dev/null 9>&- &
    echo "$!" >>"$DEMO/processes"
}

# Ours has the demonstration's directory among its arguments: numbers are given out again.
process_runs() { # PID
    tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline" | grep -qF "$DEMO/"
}

processes_end() { # the last one started goes first; how many there were is left in $ended
    local pid
    ended=0
    [ -e "$DEMO/processes" ] || return 0
    while read -r pid; do
        process_runs "$pid" || continue
        kill -TERM "$pid"
        timeout 30 tail -s 0.1 --pid="$pid" -f /dev/null || kill -KILL "$pid"
        ended=$((ended + 1))
    done < <(tac "$DEMO/processes")
    rm "$DEMO/processes"
}
