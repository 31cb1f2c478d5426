# The helpers that every room and test uses.
#
#   sotto_room(<room> SOURCES a.c ... [ROOMS base ...] [LIBS dep::x ...])   one static library sotto_<room>
#   sotto_program(<name> SOURCES ... ROOMS ... [LIBS ...])                  an executable of the product
#   sotto_test(<room> <file.c> [ROOMS ...] [LIBS ...] [WRAP symbol ...])    one cmocka program, one ctest entry
#   sotto_fuzz(<name> <file.c> ROOMS ... [LIBS ...])                        libFuzzer under -DSOTTO_FUZZ, else a replayer

include(CheckCCompilerFlag)

add_library(sotto_flags INTERFACE)
target_compile_features(sotto_flags INTERFACE c_std_11)
target_compile_options(sotto_flags INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef
  -ffunction-sections -fdata-sections -fno-strict-aliasing -fstack-protector-strong)
target_compile_definitions(sotto_flags INTERFACE _GNU_SOURCE _FILE_OFFSET_BITS=64 _TIME_BITS=64
  SOTTO_VERSION="${PROJECT_VERSION}")
if(CMAKE_CROSSCOMPILING)
  # Tests run under an emulator some thirty times slower: long loops of theirs take fewer, evenly spread steps.
  target_compile_definitions(sotto_flags INTERFACE SOTTO_EMULATED)
endif()
target_link_options(sotto_flags INTERFACE -Wl,--gc-sections -Wl,-z,relro,-z,now)
if(SOTTO_SANITIZE)
  target_compile_options(sotto_flags INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sotto_flags INTERFACE -fsanitize=address,undefined)
endif()
if(SOTTO_FUZZ)
  target_compile_options(sotto_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

function(sotto_room room)
  cmake_parse_arguments(A "" "" "SOURCES;ROOMS;LIBS" ${ARGN})
  add_library(sotto_${room} STATIC ${A_SOURCES})
  target_include_directories(sotto_${room} PUBLIC ${CMAKE_SOURCE_DIR}/include PRIVATE ${CMAKE_SOURCE_DIR}/src/${room})
  list(TRANSFORM A_ROOMS PREPEND sotto_)
  target_link_libraries(sotto_${room} PUBLIC ${A_ROOMS} PRIVATE sotto_flags ${A_LIBS})
endfunction()

function(sotto_program name)
  cmake_parse_arguments(A "" "" "SOURCES;ROOMS;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  list(TRANSFORM A_ROOMS PREPEND sotto_)
  target_link_libraries(${name} PRIVATE sotto_flags ${A_ROOMS} ${A_LIBS})
  add_dependencies(${name} sotto_sbom) # a program never comes without its bill of materials
endfunction()

function(sotto_test room file)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(A "" "" "ROOMS;LIBS;WRAP" ${ARGN})
  get_filename_component(stem ${file} NAME_WE)
  set(name ${room}.${stem})
  add_executable(${name} ${file})
  list(TRANSFORM A_ROOMS PREPEND sotto_)
  # Tests may look into their own room's private header, and into no other's.
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src/${room} ${CMAKE_SOURCE_DIR}/include)
  target_link_libraries(${name} PRIVATE sotto_flags sotto_${room} ${A_ROOMS} ${A_LIBS} dep::cmocka)
  foreach(symbol ${A_WRAP})
    target_link_options(${name} PRIVATE -Wl,--wrap=${symbol})
  endforeach()
  target_compile_definitions(${name} PRIVATE SOTTO_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${room} TIMEOUT 300 SKIP_RETURN_CODE 77)
endfunction()

function(sotto_fuzz name file)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(A "" "" "ROOMS;LIBS" ${ARGN})
  set(sources ${file})
  if(NOT SOTTO_FUZZ) # then the target replays its seeds, cut at every byte and with every byte changed
    list(APPEND sources ${CMAKE_SOURCE_DIR}/tests/fuzz/replay.c)
  endif()
  foreach(room ${A_ROOMS})
    if(NOT TARGET sotto_${room}) # head office's rooms, where only the terminal's are built
      return()
    endif()
  endforeach()
  add_executable(fuzz_${name} ${sources})
  foreach(room ${A_ROOMS}) # a target may look behind the headers of the rooms it feeds
    target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR}/src/${room})
    target_link_libraries(fuzz_${name} PRIVATE sotto_${room})
  endforeach()
  target_link_libraries(fuzz_${name} PRIVATE sotto_flags ${A_LIBS} $<$<BOOL:${SOTTO_FUZZ}>:-fsanitize=fuzzer>)
  if(NOT TARGET fuzz_all)
    add_custom_target(fuzz_all)
  endif()
  add_dependencies(fuzz_all fuzz_${name})
  if(NOT SOTTO_FUZZ)
    add_test(NAME fuzz.${name} COMMAND fuzz_${name} ${CMAKE_CURRENT_SOURCE_DIR}/seeds/${name})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 300 SKIP_RETURN_CODE 77)
  endif()
endfunction()
