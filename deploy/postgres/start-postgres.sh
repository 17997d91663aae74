#!/usr/bin/env bash
# Starts a server. If it has no data and PRIMARY names another server, it first becomes a standby of that one.
set -euo pipefail
if [ -n "${PRIMARY:-}" ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  install -d -m 0700 -o postgres -g postgres "$PGDATA"
  umask 077
  printf '%s:5432:*:replicator:%s\n' "$PRIMARY" "$(cat /run/secrets/replication_password)" >/var/lib/postgresql/pgpass
  chown postgres /var/lib/postgresql/pgpass
  gosu postgres pg_basebackup --pgdata="$PGDATA" --checkpoint=fast --write-recovery-conf \
    --dbname="host=$PRIMARY user=replicator application_name=$(hostname -s) passfile=/var/lib/postgresql/pgpass"
fi
exec docker-entrypoint.sh "$@"
