#!/bin/sh
# SPDX-License-Identifier: MIT
# tools/setup.sh [--soft] [build|ci|deb|arm64|real|PACKAGE...] - install missing Debian packages.
#
#   build   what building and `make check` need (the default)
#   ci      what .ci/run needs besides
#   deb     what `make deb` and `make check-deb` need besides
#   arm64   what `make check-aarch64 ALL=1` needs besides
#   real    the servers of `make check-real`
#   --soft  go on without a package that cannot be had
# As root or by sudo, and it says so in a line. On systems without apt-get it names what to
# install, and fails only when something is really missing.
set -u

BUILD="gcc libc6-dev make autoconf automake libtool pkg-config libevent-dev libssl-dev zlib1g-dev
    libc-ares-dev libbrotli-dev libzstd-dev libpsl-dev libidn2-dev check openssl ca-certificates
    libxml2-dev libpcre2-dev libsqlite3-dev libhiredis-dev"
CI="redis-server python3-markdown clang-14 clang-format-14 valgrind xz-utils g++ git gdb gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    qemu-user"
DEB="debhelper dpkg-dev fakeroot lintian python3-markdown libunistring-dev g++"
ARM64="gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user"
REAL="nginx-light apache2 squid curl python3"

soft=
wanted=
[ "${1:-}" = --soft ] && { soft=yes; shift; }
[ $# -gt 0 ] || set -- build
for set_name; do
    case $set_name in
    -h | --help) sed -n '3,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "setup: unknown option $set_name (try --help)" >&2; exit 2 ;;
    build) wanted="$wanted $BUILD" ;;
    ci) wanted="$wanted $CI" ;;
    deb) wanted="$wanted $DEB" ;;
    arm64) wanted="$wanted $ARM64" ;;
    real) wanted="$wanted $REAL" ;;
    *) wanted="$wanted $set_name" ;;
    esac
done

# Not Debian: see whether a build can work, and name what it lacks.
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    lacking=
    for tool in cc make autoreconf libtoolize pkg-config; do
        command -v $tool >/dev/null || lacking="$lacking $tool"
    done
    if command -v pkg-config >/dev/null; then
        for module in libevent_core openssl zlib libcares libbrotlidec libzstd libpsl libidn2 libxml-2.0 \
            libpcre2-8 sqlite3 hiredis check; do
            pkg-config --exists $module || lacking="$lacking $module"
        done
    fi
    [ -z "$lacking" ] && exit 0
    echo "setup: please install, with headers:$lacking" >&2
    echo "setup: (on Debian these are:" $wanted")" >&2
    exit 1
fi

missing() {
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
        awk -v wanted="$wanted" '
            $1 == "installed" { have[$2] = 1 }
            END {
                n = split(wanted, name)
                for (i = 1; i <= n; i++)
                    if (!(name[i] in have) && !(name[i] in said)) {
                        said[name[i]] = 1
                        printf "%s ", name[i]
                    }
            }'
}
need=$(missing)
[ -n "$need" ] || exit 0

root=
if [ "$(id -u)" -ne 0 ]; then
    root=sudo
    [ -t 0 ] || root="sudo -n"
    if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
        echo "setup: not root and no sudo; please install: apt-get install $need" >&2
        [ -n "$soft" ]
        exit
    fi
fi
echo "set-up: installing Debian packages ($root apt-get install): $need"

# Servers among the packages must not start by themselves.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $root tee $policy >/dev/null && $root chmod +x $policy
    trap '$root rm -f $policy' EXIT
    trap 'exit 130' INT TERM
fi
get() {
    $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
log=$(mktemp) || exit 1
install() {
    get install -y --no-install-recommends "$@" >"$log" 2>&1
}
if ! install $need; then
    # Old or empty package lists, most likely.
    get update >"$log" 2>&1
    if ! install $need; then
        if [ -n "$soft" ]; then
            for package in $need; do
                install "$package" || echo "set-up: going on without $package"
            done
        else
            tail -n 20 "$log" >&2
            echo "set-up: could not install: $(missing)" >&2
            rm -f "$log"
            exit 1
        fi
    fi
fi
rm -f "$log"
