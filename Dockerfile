# One image with the three programs, PostgreSQL and the demonstration's mail sink; docker-compose.yml says which part runs what.
# Any Debian 12 or 13 image will do as BASE.
ARG BASE=debian:12

FROM $BASE AS build
WORKDIR /src
COPY dev ./
RUN ./dev deps build
COPY . .
RUN ./dev build release && DESTDIR=/image cmake --install build --prefix /usr/local
# What the programs need to run, asked of the programs: the names differ from one Debian to the next.
RUN objdump -p build/bin/mejora* | awk '$1 == "NEEDED" { print "*/" $2 }' | sort -u | xargs dpkg -S | \
    cut -d: -f1 | sort -u >build/packages

FROM $BASE
COPY --from=build /src/build/packages /usr/local/share/mejora/packages
RUN mkdir -p /etc/postgresql-common/createcluster.d && \
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/mejora.conf && \
    apt-get update && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates postgresql python3-aiosmtpd \
        $(cat /usr/local/share/mejora/packages) && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --uid 7117 --create-home --home-dir /var/lib/mejora mejora && \
    install -d -o mejora -g mejora -m 0700 /var/lib/mejora/state /var/lib/mejora/database /var/lib/mejora/mail /run/mejora
COPY --from=build /image /
USER mejora
WORKDIR /var/lib/mejora
CMD ["mejorad", "--data", "/var/lib/mejora/state", "--listen", "tcp://*:7117"]
