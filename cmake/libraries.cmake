# SPDX-License-Identifier: Apache-2.0
# Outside libraries, each behind one target, found once.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(CLI11 2.1 REQUIRED)

# Headers only: intrusive containers and pointers (io/loop.hpp).
add_library(smtpdx_boost INTERFACE)
target_link_libraries(smtpdx_boost INTERFACE Boost::headers Threads::Threads)

# Not by pkg-config: libunbound.pc asks for the development files of all that libunbound itself was built with, which
# nobody needs who links it as a shared library.
function(smtpdx_plain_library target)
  add_library(${target} INTERFACE)
  foreach(name ${ARGN})
    find_library(SMTPDX_LIBRARY_${name} ${name} REQUIRED)
    target_link_libraries(${target} INTERFACE ${SMTPDX_LIBRARY_${name}})
  endforeach()
endfunction()
smtpdx_plain_library(smtpdx_unbound unbound ldns)
smtpdx_plain_library(smtpdx_gsasl gsasl)
smtpdx_plain_library(smtpdx_psl psl)
smtpdx_plain_library(smtpdx_seccomp seccomp)
smtpdx_plain_library(smtpdx_pcre2 pcre2-8)  # the language of Exim's patterns

add_library(smtpdx_toml INTERFACE)

find_package(SQLiteCpp 3.2 REQUIRED)
add_library(smtpdx_sqlite INTERFACE)
target_link_libraries(smtpdx_sqlite INTERFACE SQLiteCpp)
smtpdx_plain_library(smtpdx_sodium sodium)

# The header only: the library is loaded when a PostgreSQL URL is opened (store/libpq.hpp).
find_path(SMTPDX_LIBPQ_HEADERS libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)
add_library(smtpdx_libpq INTERFACE)
target_include_directories(smtpdx_libpq SYSTEM INTERFACE ${SMTPDX_LIBPQ_HEADERS})
target_link_libraries(smtpdx_libpq INTERFACE ${CMAKE_DL_LIBS})
