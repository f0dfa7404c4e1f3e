#!/usr/bin/env bash
# Makes the two images that docker-compose.offline.yml builds on where no container registry can be reached.
#
#   atlas-offline-python   Debian's own Python on a minimal system, from the apt mirror that this machine already uses
#   atlas-offline-wheels   the packages of services/requirements.lock, from the package index that this machine's pip uses
#
# Run as root beside a running Docker Engine. An image that is there is kept until what it is made from changes: this script, or
# the lock file. Nothing here names a mirror or an index, and neither image remembers the ones it came from.
set -euo pipefail

PYTHON_IMAGE=${OFFLINE_PYTHON_IMAGE:-atlas-offline-python}
WHEELS_IMAGE=${OFFLINE_WHEELS_IMAGE:-atlas-offline-wheels}
LOCK=$(dirname "$0")/../services/requirements.lock
LABEL=atlas.made-from

fail() { echo "offline-images: $*" >&2; exit 2; }

[ "$(id -u)" -eq 0 ] || fail "needs root, as debootstrap does"
command -v debootstrap >/dev/null || fail "needs debootstrap: run scripts/install-docker.sh or apt-get install debootstrap"
docker info >/dev/null 2>&1 || fail "finds no Docker Engine that answers: start dockerd"
. /etc/os-release

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The mirror that this machine already uses for its own release, whichever of the two apt notations names it.
debian_mirror() {
    apt-get indextargets --format '$(SITE) $(RELEASE)' 'Created-By: Packages' |
        awk -v suite="$VERSION_CODENAME" '$2 == suite { print $1; exit }'
}

# A machine behind a proxy that signs for others trusts certificates that a fresh system does not know.
trust_what_this_machine_trusts() {
    local certificates=/usr/local/share/ca-certificates
    if compgen -G "$certificates/*.crt" >/dev/null; then
        cp "$certificates"/*.crt "$1$certificates/"
        chroot "$1" update-ca-certificates >/dev/null 2>&1
    fi
}

make_python_image() {
    local mirror root=$scratch/root
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || fail "finds no Debian mirror for $VERSION_CODENAME in the apt sources"
    echo "offline-images: making $PYTHON_IMAGE from Debian $VERSION_CODENAME"
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates "$VERSION_CODENAME" "$root" "$mirror" \
        >"$scratch/debootstrap.log" 2>&1 || { tail -n 20 "$scratch/debootstrap.log" >&2; fail "debootstrap did not finish"; }
    trust_what_this_machine_trusts "$root"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/etc/apt/sources.list "$root"/var/log/*
    tar -C "$root" -c . | docker import --change "LABEL $LABEL=$1" --change 'ENV LANG=C.UTF-8' \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'CMD ["python3"]' - "$PYTHON_IMAGE" >/dev/null
}

make_wheels_image() {
    local version
    version=$(docker run --rm "$PYTHON_IMAGE" python3 -c 'import platform; print(platform.python_version())')
    echo "offline-images: making $WHEELS_IMAGE for Python $version"
    python3 -m venv "$scratch/venv"
    "$scratch/venv/bin/pip" download --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
        --python-version "$version" --dest "$scratch/wheels" --requirement "$LOCK" \
        2>"$scratch/pip.log" || { tail -n 20 "$scratch/pip.log" >&2; fail "could not fetch the locked packages"; }
    tar -C "$scratch/wheels" -c . | docker import --change "LABEL $LABEL=$1" - "$WHEELS_IMAGE" >/dev/null
}

made_from() { docker image inspect --format "{{ index .Config.Labels \"$LABEL\" }}" "$1" 2>/dev/null || true; }

base=$(sha256sum <"$0" | cut -d' ' -f1)
wheels=$(cat "$0" "$LOCK" | sha256sum | cut -d' ' -f1)
[ "$(made_from "$PYTHON_IMAGE")" = "$base" ] || make_python_image "$base"
[ "$(made_from "$WHEELS_IMAGE")" = "$wheels" ] || make_wheels_image "$wheels"
echo "offline-images: $PYTHON_IMAGE and $WHEELS_IMAGE are there"
