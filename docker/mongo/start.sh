#!/usr/bin/env bash
# Starts MongoDB as a replica set of one node, and beside it the script that initiates the set and makes the desk's user.
#
# On an empty data volume the official entrypoint makes the administrator before the server listens to the outside.
set -euo pipefail

here=$(dirname "$0")

# From a subshell that ends at once, so that the container's init reaps it, and not the database server.
(mongosh --nodb --quiet --norc --file "$here/credentials.js" --file "$here/initiate.js" &)

exec docker-entrypoint.sh mongod --replSet rs0 --keyFile /data/configdb/replica-set.key --bind_ip_all "$@"
