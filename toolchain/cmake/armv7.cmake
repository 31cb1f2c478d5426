# Cross-compiling for the kiosk: Cortex-A7, hard float, 64-bit time (glibc 2.36 of Debian 12 still defaults to 32 bits).
set(SOTTO_TARGET armv7)
set(sotto_triplet arm-linux-gnueabihf)
set(CMAKE_SYSTEM_PROCESSOR armv7l)
set(CMAKE_C_FLAGS_INIT
    "-mcpu=cortex-a7 -mfpu=neon-vfpv4 -mfloat-abi=hard -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64")
set(sotto_emulators qemu-arm qemu-arm-static)
include("${CMAKE_CURRENT_LIST_DIR}/cross.cmake")
