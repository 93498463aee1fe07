# shellcheck shell=bash
# engine.bash - a container engine, and a Debian to build from, out of what this machine offers.

# The engine that runs, or one of our own in a directory of its own. Fails, having said why, where neither can be.
engine_start() {
    docker info >/dev/null 2>&1 && return
    if [ "$(id -u)" -ne 0 ] || ! command -v dockerd >/dev/null; then
        echo "no container engine runs here, and only root with docker.io installed can start one" && return 1
    fi
    ENGINE_DIR=$(mktemp -d /var/tmp/mejora-engine.XXXXXX)
    export ENGINE_DIR DOCKER_HOST=unix://$ENGINE_DIR/socket
    dockerd --data-root "$ENGINE_DIR/data" --exec-root "$ENGINE_DIR/run" --pidfile "$ENGINE_DIR/pid" --host "$DOCKER_HOST" \
        >"$ENGINE_DIR/log" 2>&1 3>&- &
    export ENGINE_PID=$!
    log_wait "$ENGINE_DIR/log" 'API listen on' "$ENGINE_PID" && return
    echo "dockerd does not start here: $(tail -n1 "$ENGINE_DIR/log")"
    engine_stop
    return 1
}

engine_stop() {
    [ -n "${ENGINE_DIR:-}" ] || return 0
    kill "$ENGINE_PID" 2>/dev/null && process_wait "$ENGINE_PID"
    rm -rf "$ENGINE_DIR"
}

# Puts an image of this machine's own Debian release under its usual name and prints that: as it is, from a registry, or
# made from the package sources configured here. What was made is kept for the next time.
engine_base() {
    local VERSION_ID VERSION_CODENAME
    . /etc/os-release
    local name=debian:$VERSION_ID tar=/var/tmp/mejora-debian-$VERSION_ID.tar
    echo "$name"
    docker image inspect "$name" >/dev/null 2>&1 || docker pull --quiet "$name" >/dev/null 2>&1 && return
    [ -s "$tar" ] || base_make "$VERSION_CODENAME" "$tar" || return
    docker import --change 'CMD ["bash"]' "$tar" "$name" >/dev/null
}

base_make() { # CODENAME TAR
    local tree
    tree=$(mktemp -d /var/tmp/mejora-base.XXXXXX)
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Component: main' |
        awk -v release="$1" '$3 == release || $3 == release "-updates" || $3 == release "-security"' | sort -u >"$tree.sources"
    debootstrap --variant=minbase "$1" "$tree" "$(awk -v release="$1" '$3 == release { print $2; exit }' "$tree.sources")" >&2 &&
        cp "$tree.sources" "$tree/etc/apt/sources.list" && rm -rf "$tree"/var/cache/apt/archives/*.deb &&
        tar -C "$tree" -cf "$2.new" . && mv "$2.new" "$2"
    local status=$?
    rm -rf "$tree" "$tree.sources"
    return $status
}

compose() {
    if command -v docker-compose >/dev/null; then docker-compose "$@"; else docker compose "$@"; fi 3>&-
}
