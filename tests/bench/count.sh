#!/bin/sh
# Instructions a candidate and tree: count.sh BUILD_ARMV7|BUILD_AARCH64|BUILD_RELEASE MODEL.sotto [PRODUCT_FEATURES [TREES]]
# PRODUCTS="10 200" counts other shelves. Needs qemu-user with plugins and the preset's rank_once (ninja -C BUILD_ARMV7 rank_once).
set -eu
build=$1 model=$2 features=${3:-4} trees=${4:-300}
here=$(dirname "$0")
cc -shared -fPIC -O2 -o "$build/count_insn.so" "$here/count_insn.c"
case $build in
    *aarch64*) run="qemu-aarch64 -L /usr/aarch64-linux-gnu" ;;
    *release*) run="qemu-x86_64 -cpu max" ;; # AVX2 at most: the emulator has no AVX-512
    *) run="qemu-arm -L /usr/arm-linux-gnueabihf" ;;
esac
count() { # products times way
    $run -d plugin -plugin "$build/count_insn.so" \
        "$build/tests/model/rank_once" "$model" "$features" "$1" "$2" "$3" 2>&1 | awk '/^instructions/ {print $2}'
}
for products in ${PRODUCTS:-1 10 200 1000}; do
    for way in rows portable narrow best; do
        once=$(count "$products" 1 $way)
        thrice=$(count "$products" 3 $way)
        awk -v a="$once" -v b="$thrice" -v p="$products" -v t="$trees" -v w=$way \
            'BEGIN {printf "%5d products  %-9s %8.2f instructions a candidate and tree\n", p, w, (b - a) / 2 / p / t}'
    done
done
