# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by ./demo and ./check: which Debian packages are missing, and installing them.
# shellcheck shell=sh

# packages_of KIND...: names of the groups of tools/packages; "lab" stands for lab/packages.
packages_of() {
    for kind in "$@"; do
        if [ "$kind" = lab ]; then
            sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' lab/packages
        else
            sed -n "s/^$kind //p" tools/packages
        fi
    done
}

# missing_of NAME...: those that are neither installed nor provided by what is (npm comes with some packages of Node).
missing_of() {
    provided=" $(dpkg-query -W -f='${db:Status-Status} ${Provides}\n' | sed -n 's/^installed //p' | tr ',\n' '  ') "
    for package in "$@"; do
        state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=none
        case "$state$provided" in
        installed* | *" $package "*) ;;
        *) echo "$package" ;;
        esac
    done
}

# as_root COMMAND...: directly, or through sudo; never asks on a terminal that is not there.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "This needs root to install Debian packages: run it as root, or install sudo." >&2
        return 1
    fi
}

# refresh_lists: apt's lists, once; they are needed to tell sizes.
refresh_lists() {
    [ -z "${lists_fresh-}" ] || return 0
    as_root apt-get -qq update || return 1
    lists_fresh=1
}

# download_bytes NAME...: what installing them would fetch, in bytes.
download_bytes() {
    [ $# -gt 0 ] || { echo 0; return; }
    apt-get -qq -y --no-install-recommends --print-uris install "$@" | awk '{ n += $3 } END { printf "%d\n", n }'
}

# install_packages NAME...
install_packages() {
    [ $# -gt 0 ] || return 0
    refresh_lists || return 1
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 install "$@" >"$setup_log" 2>&1 || {
        tail -n 30 "$setup_log" >&2
        echo "apt-get could not install: $*" >&2
        return 1
    }
}

# kernel_package: the stock kernel's own package, which lab/image downloads and never installs.
kernel_package() {
    apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1
}

# mem_available_mb: what can be used without swapping, in MiB.
mem_available_mb() {
    awk '/^MemAvailable:/ { print int($2 / 1024); found = 1 } END { exit !found }' /proc/meminfo 2>/dev/null ||
        echo $(($(getconf _AVPHYS_PAGES) * $(getconf PAGESIZE) / 1048576))
}

# disk_available_mb FOLDER
disk_available_mb() {
    df -Pm "$1" | awk 'NR == 2 { print $4 }'
}
