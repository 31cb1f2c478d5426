# shellcheck shell=bash
# Sourced by what serves on this machine: the demo, whole-program tests.

# free_port: a TCP port of 127.0.0.1 at which nobody listens.
free_port() {
    local port
    while :; do
        port=$((10000 + RANDOM % 22000)) # below those that the kernel hands out
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
    done
}
