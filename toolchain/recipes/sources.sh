# From verified archives to a folder of sources ready to compile, the same for every target.  Sourced by setup.
#   prepare_sources <archive folder> <lock with effective versions> <out>

# unpack <archive> <into> <leading folders to drop> <member pattern...>
unpack() {
    local archive=$1 into=$2 drop=$3
    shift 3
    mkdir -p "$into"
    tar -xf "$archive" -C "$into" --no-same-owner --strip-components="$drop" --wildcards "$@"
}

prepare_mbedtls() {
    unpack "$1" "$2" 1 '*/library/*' '*/include/*' '*/LICENSE'
    cp "$toolchain/mbedtls/sotto_mbedtls_config.h" "$2/include/mbedtls/mbedtls_config.h"
    cp "$toolchain/mbedtls/sotto_psa_config.h" "$2/include/psa/crypto_config.h"
}

# SQLCipher is shipped as SQLite's source tree; its own makefile joins it into one file (tclsh, and a small parser
# generator compiled for this machine).
prepare_sqlcipher() {
    local archive=$1 out=$2 tree=$2.tree
    unpack "$archive" "$tree" 1 '*'
    sed -i -f "$toolchain/recipes/sqlcipher.sed" "$tree/src/sqlcipher.c"
    [ "$(grep -c -e SQLCIPHER_CRYPTO_CUSTOM -e 'default_provider == NULL) return' "$tree/src/sqlcipher.c")" = 5 ] ||
        { echo "recipes/sqlcipher.sed no longer fits this SQLCipher" >&2; return 1; }
    (cd "$tree" && ./configure --enable-tempstore=yes --disable-tcl --with-crypto-lib=none CFLAGS="-O1 -DSQLITE_HAS_CODEC" &&
        make sqlite3.c)
    mkdir -p "$out"
    cp "$tree/sqlite3.c" "$tree/sqlite3.h" "$tree/LICENSE.md" "$out/"
    sqlcipher_provider_header "$tree/src/sqlcipher.h" >"$out/sqlcipher_provider.h"
    rm -rf "$tree"
}

# The amalgamation keeps its provider interface to itself; this cuts the same lines out of the same source.
sqlcipher_provider_header() {
    echo '/* Cut out of SQLCipher'"'"'s own src/sqlcipher.h by toolchain/recipes/sources.sh. */'
    echo '#ifndef SOTTO_SQLCIPHER_PROVIDER_H'
    echo '#define SOTTO_SQLCIPHER_PROVIDER_H'
    sed -n -e '/^#define SQLCIPHER_HMAC_SHA/p' -e '/^#define SQLCIPHER_PBKDF2_HMAC_SHA/p' "$1"
    sed -n '/^typedef struct {$/,/^} sqlcipher_provider;$/p' "$1"
    echo '/* The "mode" of the cipher callback (src/sqlcipher.c). */'
    sed -n '/^#define CIPHER_\(DE\|EN\)CRYPT /p' "${1%.h}.c"
    echo '#endif'
}

prepare_lz4() { unpack "$1" "$2" 1 '*/lib/*.[ch]' '*/lib/LICENSE'; }
prepare_yyjson() { unpack "$1" "$2" 1 '*/src/*.[ch]' '*/LICENSE'; }
prepare_tinycbor() { unpack "$1" "$2" 1 '*/src/*.[ch]' '*/LICENSE'; }
# llhttp's C is generated from TypeScript; Node.js ships the result.
prepare_llhttp() { unpack "$1" "$2" 3 '*/deps/llhttp/src/*' '*/deps/llhttp/include/*' '*/deps/llhttp/LICENSE-MIT'; }
# Only what verifies an Ed25519 signature.
prepare_libsodium() {
    local sodium='*/src/libsodium'
    unpack "$1" "$2" 3 "$sodium/include/sodium/*.h" "$sodium/crypto_sign/ed25519/ref10/*" \
        "$sodium/crypto_core/ed25519/ref10/*" "$sodium/crypto_hash/sha512/*" "$sodium/crypto_verify/*"
    unpack "$1" "$2" 1 '*/LICENSE'
    cp "$toolchain/recipes/sodium_need.c" "$2/"
}
prepare_cmocka() { unpack "$1" "$2" 1 '*/src/*.[ch]' '*/include/*.h' '*/COPYING'; }

# The version inside a source that travels in another project's archive.
version_inside_llhttp() {
    sed -n 's/^#define LLHTTP_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9]*\)$/\2/p' "$1/include/llhttp.h" | paste -sd .
}
