#!/bin/sh
# A room to work in, as an engine makes one: run under unshare, with namespaces of its own.
#   room.sh build ROOT SHOWN=PLACE… -- COMMAND…       files and folders of this machine at a place in ROOT
#   room.sh container ROOT SHOWN=PLACE… -- COMMAND…   the same, and ROOT read-only, /tmp in memory, no network but lo
# A SHOWN that ends in a colon may be written to.
set -eu
kind=$1 root=$2
shift 2

show() { # what place mode
    if [ -d "$1" ]; then
        mkdir -p "$root$2"
    elif [ ! -e "$root$2" ]; then
        mkdir -p "$(dirname "$root$2")"
        : >"$root$2"
    fi
    mount --bind "$1" "$root$2"
    if [ "$3" = ro ]; then
        mount -o remount,bind,ro "$root$2"
    fi
}

mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom; do
    show "/dev/$node" "/dev/$node" rw
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm"
mount -t tmpfs -o noexec,nosuid,nodev,mode=1777,size=64m shm "$root/dev/shm"

while [ "$1" != -- ]; do
    what=${1%=*}
    case "$what" in
        *:) show "${what%:}" "${1##*=}" rw ;;
        *) show "$what" "${1##*=}" ro ;;
    esac
    shift
done
shift

if [ "$kind" = container ]; then
    ip link set lo up
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o noexec,nosuid,nodev,mode=1777 tmp "$root/tmp"
    mount -o remount,bind,ro "$root"
fi
exec chroot "$root" "$@"
