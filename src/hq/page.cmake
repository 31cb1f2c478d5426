# The page kit: words, tables and plots in one HTML file. Plots need the library of toolchain/pages.tsv; without it pages
# have their tables.
set(SOTTO_HQ_PAGE_SOURCES page.c page_asset.c page_plot.c)
set(SOTTO_HQ_PAGE_LIBS m)
sotto_deps_page(echarts SOTTO_PAGE_PLOTS)
set(sotto_page_files ${CMAKE_CURRENT_LIST_DIR}/page_kit.js ${CMAKE_CURRENT_LIST_DIR}/page_kit.css)
set(sotto_page_defines SOTTO_PAGE_KIT="${CMAKE_CURRENT_LIST_DIR}/page_kit.js" SOTTO_PAGE_STYLE="${CMAKE_CURRENT_LIST_DIR}/page_kit.css")
if(SOTTO_PAGE_PLOTS)
  list(APPEND sotto_page_files ${SOTTO_PAGE_PLOTS})
  list(APPEND sotto_page_defines SOTTO_PAGE_PLOTS="${SOTTO_PAGE_PLOTS}")
else()
  message(STATUS "The plot library is not here: sotto-hq's pages will have tables only (toolchain/setup --need pages)")
endif()
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/page_asset.c PROPERTIES
  COMPILE_DEFINITIONS "${sotto_page_defines}" OBJECT_DEPENDS "${sotto_page_files}")
