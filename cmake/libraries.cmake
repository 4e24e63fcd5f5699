# SPDX-License-Identifier: Apache-2.0
# Outside libraries, each behind one target, found once.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(PkgConfig REQUIRED)

# Asio is header-only and dear to compile: BOOST_ASIO_SEPARATE_COMPILATION puts its body into one file (io/asio_impl.cpp).
add_library(smtpdx_asio INTERFACE)
target_link_libraries(smtpdx_asio INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(smtpdx_asio INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED)

pkg_check_modules(unbound REQUIRED IMPORTED_TARGET libunbound)
add_library(smtpdx_unbound INTERFACE)
target_link_libraries(smtpdx_unbound INTERFACE PkgConfig::unbound)
find_library(LDNS_LIBRARY ldns REQUIRED)
target_link_libraries(smtpdx_unbound INTERFACE ${LDNS_LIBRARY})

pkg_check_modules(gsasl REQUIRED IMPORTED_TARGET libgsasl)
add_library(smtpdx_gsasl INTERFACE)
target_link_libraries(smtpdx_gsasl INTERFACE PkgConfig::gsasl)

add_library(smtpdx_toml INTERFACE)
