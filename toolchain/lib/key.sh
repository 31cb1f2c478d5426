# Where the built libraries of a target lie: cmake/Deps.cmake computes the same name.  Sourced by setup.

deps_key() (
    cd "$toolchain" && grep -v '^#' lib/key.list | xargs sha256sum | sha256sum | cut -c 1-12
)

deps_release() (
    ID=linux VERSION_ID=
    . /etc/os-release
    printf '%s%s\n' "$ID" "$VERSION_ID"
)

deps_dir() { printf '%s/deps/%s-%s-%s-%s\n' "$SOTTO_CACHE" "$1" "$(uname -m)" "$(deps_release)" "$(deps_key)"; }
