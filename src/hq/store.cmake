# The registry's other store: PostgreSQL by libpq (Debian: libpq-dev; PostgreSQL licence), a shared library, in head office's program
# only; without it `--store postgresql://...` says so.
find_path(SOTTO_LIBPQ_INCLUDE libpq-fe.h PATH_SUFFIXES postgresql)
find_library(SOTTO_LIBPQ_LIBRARY pq)
if(SOTTO_LIBPQ_INCLUDE AND SOTTO_LIBPQ_LIBRARY AND NOT CMAKE_CROSSCOMPILING)
  add_library(sotto_libpq INTERFACE)
  target_include_directories(sotto_libpq SYSTEM INTERFACE ${SOTTO_LIBPQ_INCLUDE})
  target_link_libraries(sotto_libpq INTERFACE ${SOTTO_LIBPQ_LIBRARY})
  list(APPEND sotto_hq_sources registry_postgres.c registry_postgres_line.c registry_postgres_open.c registry_postgres_steps.c)
  list(APPEND sotto_hq_libs sotto_libpq)
  file(GLOB sotto_hq_steps CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/store/*.sql)
  set_source_files_properties(registry_postgres_steps.c PROPERTIES
    COMPILE_DEFINITIONS SOTTO_HQ_STORE="${CMAKE_CURRENT_LIST_DIR}/store" OBJECT_DEPENDS "${sotto_hq_steps}")
else()
  message(STATUS "libpq is not here: sotto-hq will keep its registry in a file only (Debian: libpq-dev)")
  list(APPEND sotto_hq_sources registry_postgres_none.c)
endif()
