#!/bin/sh
# Makes the secrets of the database on the first start, and hands the desk its copy on every start.
#
# Runs once per `docker compose up`, without a network, as the database's user (999) with the desk's group (1000). What is
# there is kept: the passwords in the configuration volume are those that the database knows, so that volume wins over the
# desk's copy, also after a restore. No secret passes through an argument, the environment or the output.
set -eu
umask 077

conf=/data/configdb
desk=/var/lib/atlas-secrets

random_hex() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

# Written under another name first: a start that is cut short leaves no half secret.
make_once() {
    [ -s "$1" ] && return
    random_hex "$2" >"$1.new"
    chmod 0400 "$1.new"
    mv -f "$1.new" "$1"
    echo "secrets: made ${1##*/}"
}

# The set-group-id bit of the desk's folder gives the copy to the desk's group.
hand_over() {
    cmp -s "$1" "$2" && return
    rm -f "$2.new"
    cat "$1" >"$2.new"
    chmod 0440 "$2.new"
    mv -f "$2.new" "$2"
    echo "secrets: handed ${2##*/} to the desk"
}

make_once "$conf/replica-set.key" 372
make_once "$conf/admin.password" 32
make_once "$conf/desk.password" 32
hand_over "$conf/desk.password" "$desk/database.password"
