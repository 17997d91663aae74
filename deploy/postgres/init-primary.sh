#!/usr/bin/env bash
# Runs once, on the first server: creates the roles and the database. No standby is there yet, so nothing waits for one.
set -euo pipefail
export PGOPTIONS='-c synchronous_commit=local'
psql -v ON_ERROR_STOP=1 --username postgres --set=replication="$(cat /run/secrets/replication_password)" \
  --set=crm="$(cat /run/secrets/crm_password)" <<'SQL'
CREATE ROLE replicator LOGIN REPLICATION PASSWORD :'replication';
CREATE ROLE g3n_crm LOGIN PASSWORD :'crm' NOSUPERUSER NOBYPASSRLS;
CREATE DATABASE g3n_crm OWNER g3n_crm ENCODING 'UTF8' TEMPLATE template0;
SQL
echo 'host replication replicator all scram-sha-256' >>"$PGDATA/pg_hba.conf"
