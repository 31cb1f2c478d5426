# What armv7.cmake and aarch64.cmake share: Debian's cross compiler and, where it is installed, user-mode emulation so
# that ctest runs the tests of the target.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER "${sotto_triplet}-gcc")
set(CMAKE_AR "${sotto_triplet}-gcc-ar" CACHE FILEPATH "archiver of the target")
set(CMAKE_RANLIB "${sotto_triplet}-gcc-ranlib" CACHE FILEPATH "archive indexer of the target")
set(CMAKE_STRIP "${sotto_triplet}-strip" CACHE FILEPATH "strip of the target")
set(CMAKE_FIND_ROOT_PATH "/usr/${sotto_triplet}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

find_program(SOTTO_EMULATOR_${SOTTO_TARGET} NAMES ${sotto_emulators})
if(SOTTO_EMULATOR_${SOTTO_TARGET})
    set(CMAKE_CROSSCOMPILING_EMULATOR "${SOTTO_EMULATOR_${SOTTO_TARGET}};-L;/usr/${sotto_triplet}")
endif()
