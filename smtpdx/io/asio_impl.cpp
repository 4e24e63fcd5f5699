// SPDX-License-Identifier: Apache-2.0
// The body of Boost.Asio, compiled once (BOOST_ASIO_SEPARATE_COMPILATION in cmake/libraries.cmake).
#include <boost/asio/impl/src.hpp>
