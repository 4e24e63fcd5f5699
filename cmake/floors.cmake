# SPDX-License-Identifier: Apache-2.0
# One static library and one test program a floor, from the files in src/NAME (x.cpp, x_test.cpp), so that a new file
# needs no line here.
add_library(smtpdx_options INTERFACE)
target_include_directories(smtpdx_options INTERFACE ${CMAKE_SOURCE_DIR})
target_include_directories(smtpdx_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(smtpdx_options INTERFACE -Wall -Wextra)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # At -O3 g++ 12 sees overlapping copies in ordinary std::string assignments (GCC bug 105651).
  target_compile_options(smtpdx_options INTERFACE $<$<CONFIG:Release>:-Wno-restrict>)
endif()
if(SMTPDX_WERROR)
  target_compile_options(smtpdx_options INTERFACE -Werror)
endif()
if(SMTPDX_SANITIZE)
  target_compile_options(smtpdx_options INTERFACE -fsanitize=${SMTPDX_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(smtpdx_options INTERFACE -fsanitize=${SMTPDX_SANITIZE})
endif()

# ccache and mold only make it faster; both are taken where they are there and work with this compiler.
find_program(SMTPDX_CCACHE ccache)
if(SMTPDX_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SMTPDX_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${SMTPDX_CCACHE})
endif()
include(CheckLinkerFlag)
find_program(SMTPDX_MOLD mold)
if(SMTPDX_MOLD)
  check_linker_flag(CXX -fuse-ld=mold SMTPDX_MOLD_WORKS)
  if(SMTPDX_MOLD_WORKS)
    target_link_options(smtpdx_options INTERFACE -fuse-ld=mold)
  endif()
endif()

if(SMTPDX_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  add_custom_target(unit_tests)  # builds every floor's tests and nothing else
  set(smtpdx_test_prefix unit)
  if(SMTPDX_SANITIZE)
    set(smtpdx_test_prefix sanitized)
  endif()
endif()

function(smtpdx_floor name)
  cmake_parse_arguments(F "" "" "DEPENDS;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
  list(TRANSFORM F_DEPENDS PREPEND smtpdx_ OUTPUT_VARIABLE depends)
  if(sources)
    add_library(smtpdx_${name} STATIC ${sources})
    target_link_libraries(smtpdx_${name} PUBLIC smtpdx_options ${depends} ${F_LIBS})
  else()
    add_library(smtpdx_${name} INTERFACE)
    target_link_libraries(smtpdx_${name} INTERFACE smtpdx_options ${depends} ${F_LIBS})
  endif()
  if(tests AND SMTPDX_TESTS)
    add_executable(test_${name} ${tests})
    target_link_libraries(test_${name} PRIVATE smtpdx_${name} GTest::gmock GTest::gtest GTest::gtest_main)
    target_compile_definitions(test_${name} PRIVATE SMTPDX_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    add_dependencies(unit_tests test_${name})
    add_test(NAME ${smtpdx_test_prefix}_${name} COMMAND test_${name})
    set_tests_properties(${smtpdx_test_prefix}_${name} PROPERTIES TIMEOUT 300 LABELS unit)
  endif()
endfunction()

# Compiles data/**/*.toml into the floor NAME as one array of (path, text); see kb/embedded.hpp.
function(smtpdx_embed_data name)
  file(GLOB_RECURSE data CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/data/*.toml)
  set(out ${CMAKE_BINARY_DIR}/generated/embedded_data.cpp)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR}/data -DOUT=${out} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${data} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    COMMENT "Embedding data/")
  get_target_property(type smtpdx_${name} TYPE)
  if(NOT type STREQUAL "INTERFACE_LIBRARY")
    target_sources(smtpdx_${name} PRIVATE ${out})
  endif()
endfunction()

# Compiles the built page (ui/dist) and the API's description into the floor NAME; see web/assets.hpp.
function(smtpdx_embed_page name)
  file(GLOB_RECURSE page CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/ui/dist/*)
  set(openapi ${CMAKE_SOURCE_DIR}/src/web/openapi.json)
  set(out ${CMAKE_BINARY_DIR}/generated/embedded_page.cpp)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR}/ui/dist -DEXTRA=/openapi.json=${openapi}
            -DWORK=${CMAKE_BINARY_DIR}/generated/page -DOUT=${out} -P ${CMAKE_SOURCE_DIR}/cmake/embed_page.cmake
    DEPENDS ${page} ${openapi} ${CMAKE_SOURCE_DIR}/cmake/embed_page.cmake
    COMMENT "Embedding the page")
  target_sources(smtpdx_${name} PRIVATE ${out})
endfunction()
