#!/usr/bin/env bash
# Installs a Docker Engine with Compose v2 and BuildKit on a Debian machine, from Debian's own packages.
#
# Run as root. Starts nothing, changes no apt configuration, and installs only what is not there yet: a machine
# that has an engine keeps its own. The Compose and buildx plugins of Debian 12 are too old for our files, so both come from
# the next release, unpacked beside the engine; they need nothing newer than Debian 12's own libc.
set -euo pipefail

PLUGIN_SUITE=trixie
PLUGIN_FOLDER=/usr/local/lib/docker/cli-plugins

fail() { echo "install-docker: $*" >&2; exit 2; }

[ "$(id -u)" -eq 0 ] || fail "needs root to install packages: run it as root, or install Docker Engine, Compose v2 and buildx yourself"
command -v apt-get >/dev/null || fail "knows Debian only: install Docker Engine, Compose v2 and buildx yourself"
. /etc/os-release

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

install_packages() {
    local missing=()
    command -v dockerd >/dev/null || missing+=(docker.io)
    command -v debootstrap >/dev/null || missing+=(debootstrap)
    command -v iptables >/dev/null || missing+=(iptables)
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "install-docker: installing ${missing[*]}"
    apt-get -qq update
    # A package that starts its service on installation would leave an engine behind that nobody asked for.
    printf '#!/bin/sh\nexit 101\n' > "$scratch/policy-rc.d"
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        install -m 0755 "$scratch/policy-rc.d" /usr/sbin/policy-rc.d
        trap 'rm -rf "$scratch" /usr/sbin/policy-rc.d' EXIT
    fi
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# The mirror that this machine already uses for its own release, whichever of the two notations names it.
debian_mirror() {
    apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' |
        awk -v suite="$VERSION_CODENAME" '$2 == suite { print $1; exit }'
}

install_plugins() {
    [ ! -x "$PLUGIN_FOLDER/docker-compose" ] || [ ! -x "$PLUGIN_FOLDER/docker-buildx" ] || return 0
    local mirror
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "finds no Debian mirror in the apt sources: add one, or install Compose v2 and buildx yourself"
    echo "install-docker: unpacking Compose v2 and buildx of Debian $PLUGIN_SUITE"
    mkdir -p "$scratch/lists/partial" "$scratch/packages"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $PLUGIN_SUITE main" > "$scratch/sources.list"
    local apt=(apt-get -qq -o "Dir::Etc::SourceList=$scratch/sources.list" -o Dir::Etc::SourceParts=/dev/null
        -o "Dir::State::Lists=$scratch/lists" -o "Dir::Cache::pkgcache=" -o "Dir::Cache::srcpkgcache=" -o APT::Sandbox::User=root)
    "${apt[@]}" update
    (cd "$scratch/packages" && "${apt[@]}" download docker-compose docker-buildx)
    for package in "$scratch"/packages/*.deb; do
        dpkg -x "$package" "$scratch/root"
    done
    install -D -m 0755 -t "$PLUGIN_FOLDER" "$scratch"/root/usr/libexec/docker/cli-plugins/*
}

install_packages
docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1 || install_plugins
docker compose version >/dev/null || fail "Compose v2 does not run from $PLUGIN_FOLDER"
docker buildx version >/dev/null || fail "buildx does not run from $PLUGIN_FOLDER"
echo "install-docker: $(dockerd --version), $(docker compose version), $(docker buildx version | cut -d' ' -f1,2)"
