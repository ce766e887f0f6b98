#!/bin/bash
# Processor time per request: nginx `return 200` beside the catalog service, in one run on one machine, one worker each.
# Processor time and not requests per second, because it stays comparable while the machine does other work.
# Usage: bench/http_cpu.sh [build directory]; needs nginx and wrk.
set -euo pipefail
build=${1:-build/release}
scratch=$(mktemp -d)
cat > "$scratch/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $scratch/pid; error_log $scratch/error.log;
events { worker_connections 2048; }
http { access_log off; keepalive_requests 100000000;
       server { listen 127.0.0.1:18090; location / { return 200 "ok\n"; } } }
CONF
nginx -c "$scratch/nginx.conf" & nginx=$!
catalog() { exec env -i ADDRESS=127.0.0.1 THREADS=1 DRAIN_DELAY=0s "$@" "$build/apps/catalog/catalog" > /dev/null; }
catalog PORT=18091 LOG_REQUESTS=all & logged=$!
catalog PORT=18092 LOG_REQUESTS=none & silent=$!
trap 'kill $nginx $logged $silent; rm -rf "$scratch"' EXIT
sleep 1

nanoseconds() {
  local sum=0 process task
  for process in "$1" $(pgrep -P "$1"); do
    for task in /proc/"$process"/task/*/schedstat; do sum=$((sum + $(cut -d' ' -f1 "$task"))); done
  done
  echo "$sum"
}
measure() {
  local before after requests
  before=$(nanoseconds "$2")
  requests=$(wrk -t1 -c64 -d4 "http://127.0.0.1:$3" | awk '/requests in/ {print $1}')
  after=$(nanoseconds "$2")
  printf '%-44s %8d requests  %6d ns each\n' "$1" "$requests" $(((after - before) / requests))
}
for _ in 1 2 3; do
  measure 'nginx return 200' "$nginx" 18090/
  measure 'net/ alone (/livez)' "$silent" 18092/livez
  measure 'routes, trace, metrics (/products/rope)' "$silent" 18092/products/rope
  measure 'the same with a log line a request' "$logged" 18091/products/rope
done
