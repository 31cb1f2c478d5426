# Defines the third-party libraries that toolchain/setup built for SOTTO_TARGET (host, armv7, aarch64) as imported
# targets dep::<name>.  Nothing is built or fetched here: a configure step must work without a network.

if(NOT SOTTO_TARGET)
    set(SOTTO_TARGET host)
endif()
get_filename_component(sotto_toolchain_dir "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)

# The name of the folder holds a hash of everything that shapes the libraries; toolchain/lib/key.sh computes the same.
function(sotto_deps_key out)
    file(STRINGS "${sotto_toolchain_dir}/lib/key.list" inputs REGEX "^[^#]")
    set(sums "")
    foreach(input IN LISTS inputs)
        file(SHA256 "${sotto_toolchain_dir}/${input}" sum)
        string(APPEND sums "${sum}  ${input}\n")
        # A changed recipe must be noticed by the next build, not by the next clean checkout.
        set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
                     "${sotto_toolchain_dir}/${input}")
    endforeach()
    string(SHA256 key "${sums}")
    string(SUBSTRING "${key}" 0 12 key)
    set(${out} "${key}" PARENT_SCOPE)
endfunction()

# Libraries of one distribution release may ask for a libc that another does not have.
function(sotto_deps_release out)
    file(STRINGS /etc/os-release lines REGEX "^(ID|VERSION_ID)=")
    set(id "linux")
    set(version "")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^[A-Z_]+=\"?([^\"]*)\"?$" "\\1" value "${line}")
        if(line MATCHES "^ID=")
            set(id "${value}")
        else()
            set(version "${value}")
        endif()
    endforeach()
    set(${out} "${id}${version}" PARENT_SCOPE)
endfunction()

function(sotto_deps_find out)
    if(DEFINED ENV{SOTTO_CACHE})
        set(cache "$ENV{SOTTO_CACHE}")
    elseif(DEFINED ENV{XDG_CACHE_HOME})
        set(cache "$ENV{XDG_CACHE_HOME}/sotto")
    else()
        set(cache "$ENV{HOME}/.cache/sotto")
    endif()
    sotto_deps_key(key)
    sotto_deps_release(release)
    cmake_host_system_information(RESULT machine QUERY OS_PLATFORM)
    set(dir "${cache}/deps/${SOTTO_TARGET}-${machine}-${release}-${key}")
    if(NOT EXISTS "${dir}/manifest.tsv")
        message(FATAL_ERROR "The third-party libraries for ${SOTTO_TARGET} are not built (or toolchain/ changed since). Run:\n"
                            "    toolchain/setup ${SOTTO_TARGET}\n(looked for ${dir})")
    endif()
    set(${out} "${dir}" PARENT_SCOPE)
endfunction()

# sotto_deps_page(<name> <out>): the file that toolchain/setup took out of npm's package of that name (pages.tsv), or "".
function(sotto_deps_page name out)
    file(STRINGS "${sotto_toolchain_dir}/pages.tsv" line REGEX "^${name}\t")
    set_property(DIRECTORY "${CMAKE_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${sotto_toolchain_dir}/pages.tsv")
    string(REPLACE "\t" ";" columns "${line}")
    list(GET columns 1 version)
    list(GET columns 7 member)
    get_filename_component(file "${member}" NAME)
    get_filename_component(cache "${SOTTO_DEPS_DIR}/../.." ABSOLUTE)
    set(path "${cache}/pages/${name}-${version}/${file}")
    if(NOT EXISTS "${path}")
        set(path "")
    endif()
    set(${out} "${path}" PARENT_SCOPE)
endfunction()

# sotto_dep(<name> LIBRARY <file> [INCLUDE <folder>] [DEFINE <definitions...>] [LINK <targets...>])
function(sotto_dep name)
    cmake_parse_arguments(arg "" "LIBRARY;INCLUDE" "DEFINE;LINK" ${ARGN})
    add_library(dep::${name} STATIC IMPORTED GLOBAL)
    set_target_properties(dep::${name} PROPERTIES IMPORTED_LOCATION "${SOTTO_DEPS_DIR}/lib/lib${arg_LIBRARY}.a")
    if(arg_INCLUDE)
        target_include_directories(dep::${name} SYSTEM INTERFACE "${SOTTO_DEPS_DIR}/include/${arg_INCLUDE}")
    endif()
    if(arg_DEFINE)
        target_compile_definitions(dep::${name} INTERFACE ${arg_DEFINE})
    endif()
    if(arg_LINK)
        target_link_libraries(dep::${name} INTERFACE ${arg_LINK})
    endif()
endfunction()

if(NOT TARGET dep::mbedcrypto)
    sotto_deps_find(SOTTO_DEPS_DIR)
    set(SOTTO_DEPS_DIR "${SOTTO_DEPS_DIR}" CACHE INTERNAL "third-party libraries of this target")
    sotto_dep(mbedcrypto LIBRARY mbedcrypto INCLUDE mbedtls)
    sotto_dep(mbedx509 LIBRARY mbedx509 LINK dep::mbedcrypto)
    sotto_dep(mbedtls LIBRARY mbedtls LINK dep::mbedx509)
    # A keyed open calls int sotto_store_cipher_provider(sqlcipher_provider *), a weak reference: see recipes/sqlcipher.sed.
    sotto_dep(sqlcipher LIBRARY sqlcipher INCLUDE sqlcipher DEFINE SQLITE_HAS_CODEC LINK m)
    sotto_dep(lz4 LIBRARY lz4 INCLUDE lz4)
    sotto_dep(yyjson LIBRARY yyjson INCLUDE yyjson DEFINE YYJSON_DISABLE_NON_STANDARD=1)
    sotto_dep(tinycbor LIBRARY tinycbor INCLUDE tinycbor LINK m)
    sotto_dep(llhttp LIBRARY llhttp INCLUDE llhttp)
    sotto_dep(sodium LIBRARY sodium INCLUDE sodium DEFINE SODIUM_STATIC=1)
    sotto_dep(cmocka LIBRARY cmocka INCLUDE cmocka)
endif()

# Every build writes what it is made of.  PROJECT_VERSION is the product's.
set(sotto_sbom_file "${CMAKE_BINARY_DIR}/sbom.cdx.json")
add_custom_command(
    OUTPUT "${sotto_sbom_file}"
    COMMAND "${sotto_toolchain_dir}/sbom" "${SOTTO_TARGET}" "${PROJECT_VERSION}" "${sotto_sbom_file}"
    DEPENDS "${SOTTO_DEPS_DIR}/manifest.tsv" "${sotto_toolchain_dir}/sbom" "${sotto_toolchain_dir}/system.tsv" "${sotto_toolchain_dir}/pages.tsv"
    COMMENT "Writing the software bill of materials"
    VERBATIM)
add_custom_target(sotto_sbom ALL DEPENDS "${sotto_sbom_file}")
