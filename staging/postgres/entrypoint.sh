#!/bin/sh
# Make the database once, then become PostgreSQL.
set -eu
bin=/usr/lib/postgresql/15/bin
data=/var/lib/postgresql/data/15

if [ ! -s "$data/PG_VERSION" ]; then
    # Made beside its place and moved there: a crash in the middle is made again from the start.
    making="$data.making"
    rm -rf "$making"
    mkdir -p "$(dirname "$data")"
    printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
    "$bin/initdb" -D "$making" --username=postgres --pwfile=/tmp/password --encoding=UTF8 \
        --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 >/dev/null
    rm /tmp/password
    echo "host all all all scram-sha-256" >>"$making/pg_hba.conf"
    # Single-user mode: one statement a line, nobody else can connect meanwhile.
    "$bin/postgres" --single -D "$making" postgres >/dev/null <<SQL
CREATE ROLE vauntico LOGIN PASSWORD '$POSTGRES_PASSWORD'
CREATE ROLE drill_reader LOGIN PASSWORD '$POSTGRES_PASSWORD' CONNECTION LIMIT 10
ALTER ROLE drill_reader SET default_transaction_read_only = on
CREATE DATABASE vauntico OWNER vauntico
SQL
    mv "$making" "$data"
fi
# PostgreSQL is process 1 here, as in the official image: the number in a postmaster.pid left by
# a crash is then its own, which it knows to ignore.
exec "$bin/postgres" -D "$data" -c config_file=/etc/postgresql/postgresql.conf
