# shellcheck shell=bash disable=SC2034  # the tools that source this file read its variables
# What the tools of this folder share. Sourced, never run.

FIRMWARE_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
FIRMWARE_CACHE=${SOTTO_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sotto}/firmware

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "error: $1"; exit "${2:-1}"; }

# need COMMAND PACKAGE: names the Debian package when a tool is missing.
need() {
    PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null || die "needs '$1' (Debian package $2)" 2
}

# arch_set ARCH: everything that differs between the emulated machines stands here.
arch_set() {
    case $1 in
        armv7)
            DEB_ARCH=armhf
            KERNEL_PACKAGE=linux-image-armmp
            ELF_MACHINE=ARM
            QEMU_BINARY=qemu-system-arm
            QEMU_PACKAGE=qemu-system-arm
            QEMU_MACHINE=(-M virt -cpu cortex-a7)
            QEMU_BUS=device
            CONSOLE=ttyAMA0
            CROSS_COMPILER=arm-linux-gnueabihf-gcc
            ;;
        aarch64)
            DEB_ARCH=arm64
            KERNEL_PACKAGE=linux-image-arm64
            ELF_MACHINE=AArch64
            QEMU_BINARY=qemu-system-aarch64
            QEMU_PACKAGE=qemu-system-arm
            QEMU_MACHINE=(-M virt -cpu cortex-a53)
            QEMU_BUS=device
            CONSOLE=ttyAMA0
            CROSS_COMPILER=aarch64-linux-gnu-gcc
            ;;
        # No terminal: head office's machine, for the trial of the units (tests/firmware/units.sh).
        amd64)
            DEB_ARCH=amd64
            KERNEL_PACKAGE=linux-image-amd64
            ELF_MACHINE='Advanced Micro Devices X86-64'
            QEMU_BINARY=qemu-system-x86_64
            QEMU_PACKAGE=qemu-system-x86
            QEMU_MACHINE=(-M q35 -cpu max)
            QEMU_BUS=pci
            CONSOLE=ttyS0
            CROSS_COMPILER=gcc
            ;;
        *) die "unknown architecture '$1' (armv7, aarch64 or amd64)" 2 ;;
    esac
}
