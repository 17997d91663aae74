#!/usr/bin/env bash
# Runs three etcd members, three Patroni nodes and haproxy on this machine, all on 127.0.0.1, and disturbs them.
#   try.sh up | down | leader | url | proxy-url | list
#   try.sh kill-leader          kill -9 of the leader's Patroni and of its postmaster and all its children; restarts it later
#   try.sh kill-postmaster      kill -9 of the leader's postmaster and its children; its Patroni goes on
#   try.sh switchover           a planned one, by patronictl
#   try.sh kill-etcd N          kill -9 of one etcd member
#   try.sh isolate SECONDS      the leader's Patroni cannot reach etcd for a while; its clients and standbys can reach it
#   try.sh freeze SECONDS       the leader's Patroni hangs (SIGSTOP) for a while; its server goes on
# Needs Debian's patroni, etcd-server, etcd-client, haproxy and postgresql-15, and root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
base=${G3N_TEST_HA_DIR:-/var/tmp/g3n-ha}
export ETCDCTL_API=3

say() { echo "$(date -u +%T.%3N) $*"; }
start() { # name, variables and command …: as postgres in the background, with a log and a file of its process id
  local name=$1; shift
  setsid setpriv --reuid=postgres --regid=postgres --clear-groups env HOME="$base" "$@" >>"$base/$name.log" 2>&1 </dev/null &
  echo $! >"$base/$name.pid"
}
kill9() { kill -9 "$(cat "$base/$1.pid")" 2>/dev/null || true; }
port_of() { echo $((26432 + ($1 - 1) * 100)); }
rest_of() { echo $((26008 + ($1 - 1) * 100)); }
etcd_of() { echo $((26379 + ($1 - 1) * 100)); }

etcd_member() {
  local n=$1 members=
  for m in 1 2 3; do members+="e$m=http://127.0.0.1:$(($(etcd_of $m) + 1)),"; done
  start "etcd$n" etcd --name "e$n" --data-dir "$base/etcd$n" --enable-v2=true --heartbeat-interval 100 --election-timeout 1000 \
    --listen-client-urls "http://127.0.0.1:$(etcd_of "$n")" --advertise-client-urls "http://127.0.0.1:$(etcd_of "$n")" \
    --listen-peer-urls "http://127.0.0.1:$(($(etcd_of "$n") + 1))" \
    --initial-advertise-peer-urls "http://127.0.0.1:$(($(etcd_of "$n") + 1))" \
    --initial-cluster "${members%,}" --initial-cluster-token g3n --initial-cluster-state "${2:-new}"
}
# A node's own way to etcd.
etcd_proxy() {
  local n=$1
  { printf 'defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1m\n  timeout server 1m\nlisten etcd\n'
    printf '  bind 127.0.0.1:%d\n' $((27379 + n))
    for m in 1 2 3; do printf '  server e%d 127.0.0.1:%d check inter 500ms on-marked-down shutdown-sessions\n' "$m" "$(etcd_of "$m")"; done
  } >"$base/proxy$n.cfg"
  start "proxy$n" haproxy -db -f "$base/proxy$n.cfg"
}
node() {
  local n=$1 secret; secret=$(cat "$base/secret")
  start "patroni$n" PATRONI_NAME="n$n" \
    PATRONI_RESTAPI_LISTEN="127.0.0.1:$(rest_of "$n")" PATRONI_RESTAPI_CONNECT_ADDRESS="127.0.0.1:$(rest_of "$n")" \
    PATRONI_POSTGRESQL_LISTEN="127.0.0.1:$(port_of "$n")" PATRONI_POSTGRESQL_CONNECT_ADDRESS="127.0.0.1:$(port_of "$n")" \
    PATRONI_POSTGRESQL_DATA_DIR="$base/data$n" PATRONI_POSTGRESQL_PGPASS="$base/pgpass$n" \
    PATRONI_ETCD_HOSTS="127.0.0.1:$((27379 + n))" PATRONI_SUPERUSER_PASSWORD="$secret" \
    PATRONI_REPLICATION_PASSWORD="$secret" PATRONI_REWIND_PASSWORD="$secret" patroni "$here/patroni.yml"
}
leader() { # the number of the node that is the leader
  local n
  for n in 1 2 3; do
    [ "$(curl -s -m 2 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$(rest_of $n)/primary")" = 200 ] && { echo $n; return; }
  done
  return 1
}
wait_leader() { until leader >/dev/null; do sleep 0.1; done; }
wait_standbys() { # until the leader has two standbys, one of them synchronous
  until [ "$(sql "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")" = 2 ]; do sleep 0.3; done
  until [ "$(sql "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")" = 1 ]; do sleep 0.3; done
}
sql() { PGPASSWORD=$(cat "$base/secret") psql -XAtq -h 127.0.0.1 -p "$(port_of "$(leader)")" -U postgres -c "$1" 2>/dev/null || true; }
ctl() { local command=$1; shift; PATRONI_ETCD_HOSTS=127.0.0.1:$(etcd_of 1) patronictl -c "$here/patroni.yml" "$command" g3n-crm "$@"; }
kill_server() { # a postmaster and its children at once, as the failure of its machine
  local pid; pid=$(head -1 "$base/data$1/postmaster.pid")
  kill -9 "$pid" $(ps -o pid= --ppid "$pid") 2>/dev/null || true
}
url() { echo "postgres://g3n_crm:$(cat "$base/secret")@$1/g3n_crm?pool_size=10$2"; }

case ${1:-} in
  up)
    mkdir -p "$base"; chown postgres "$base"
    [ -e "$base/secret" ] || (umask 077; head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$base/secret")
    for n in 1 2 3; do etcd_member $n; etcd_proxy $n; done; sleep 2
    for n in 1 2 3; do node $n; sleep 1; done
    wait_leader; wait_standbys
    sql "CREATE ROLE g3n_crm LOGIN PASSWORD '$(cat "$base/secret")'"
    sql "CREATE DATABASE g3n_crm OWNER g3n_crm ENCODING 'UTF8' TEMPLATE template0"
    start haproxy haproxy -db -f "$here/haproxy.cfg"
    say "up: leader n$(leader)" ;;
  down)
    for name in patroni1 patroni2 patroni3; do kill "$(cat "$base/$name.pid")" 2>/dev/null || true; done
    sleep 4
    for n in 1 2 3; do kill9 "patroni$n"; [ ! -e "$base/data$n/postmaster.pid" ] || kill_server $n; kill9 "etcd$n"; kill9 "proxy$n"; done
    kill9 haproxy ;;
  leader) leader ;;
  list) ctl list ;;
  url) url "127.0.0.1:$(port_of 1),127.0.0.1:$(port_of 2),127.0.0.1:$(port_of 3)" '&target_session_attrs=read-write' ;;
  proxy-url) url 127.0.0.1:26000 '' ;;
  kill-leader)
    n=$(leader); kill9 "patroni$n"; kill_server "$n"; say "killed n$n and its Patroni"
    wait_leader; say "leader n$(leader)"
    sleep 5; node "$n"; wait_standbys; say "n$n is a standby again" ;;
  kill-postmaster)
    n=$(leader); kill_server "$n"; say "killed the server of n$n"
    sleep 1; wait_leader; say "leader n$(leader)"; wait_standbys; say 'two standbys again' ;;
  switchover)
    n=$(leader); to=$(sql "SELECT application_name FROM pg_stat_replication WHERE sync_state = 'sync'")
    say "from n$n to $to"
    ctl switchover --master "n$n" --candidate "$to" --force >>"$base/ctl.log" 2>&1
    wait_leader; say "leader n$(leader)"; wait_standbys; say 'two standbys again' ;;
  kill-etcd) kill9 "etcd$2"; say "killed etcd member $2"; sleep "${3:-8}"; etcd_member "$2" existing; say 'started it again' ;;
  isolate)
    n=$(leader); kill9 "proxy$n"; say "n$n is cut off from etcd"
    sleep "$2"; etcd_proxy "$n"; say "n$n reaches etcd again; leader n$(leader || echo ?)"
    wait_leader; wait_standbys; say 'two standbys again' ;;
  freeze)
    n=$(leader); pid=$(cat "$base/patroni$n.pid"); kill -STOP "$pid"; say "the Patroni of n$n hangs"
    sleep "$2"; kill -CONT "$pid"; say 'it goes on'
    sleep 3; wait_leader; wait_standbys; say "leader n$(leader); two standbys again" ;;
  *) sed -n '2,11p' "$0"; exit 2 ;;
esac
