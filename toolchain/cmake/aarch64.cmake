# Cross-compiling for 64-bit ARM kiosks.
set(SOTTO_TARGET aarch64)
set(sotto_triplet aarch64-linux-gnu)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(sotto_emulators qemu-aarch64 qemu-aarch64-static)
include("${CMAKE_CURRENT_LIST_DIR}/cross.cmake")
