// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace smtpdx::web {

/// A file of the page, compiled in (cmake/embed_page.cmake).
struct Asset {
  std::string_view path;  ///< "/app.js"
  std::string_view octets;
  std::string_view gzip;  ///< the same, compressed
};

/// What ui/dist holds, and "/openapi.json".
std::span<const Asset> assets();
/// Null where there is none of that path.
const Asset* asset(std::string_view path);
/// By the path's ending: "text/javascript; charset=utf-8".
std::string_view media_type(std::string_view path);

}  // namespace smtpdx::web
