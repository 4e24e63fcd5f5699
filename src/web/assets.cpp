// SPDX-License-Identifier: Apache-2.0
#include "web/assets.hpp"

namespace smtpdx::web {

const Asset* asset(std::string_view path) {
  for (const auto& a : assets())
    if (a.path == path) return &a;
  return nullptr;
}

std::string_view media_type(std::string_view path) {
  struct Type {
    std::string_view ending, name;
  };
  constexpr Type types[] = {{".html", "text/html; charset=utf-8"},
                            {".js", "text/javascript; charset=utf-8"},
                            {".css", "text/css; charset=utf-8"},
                            {".svg", "image/svg+xml"},
                            {".json", "application/json"},
                            {".png", "image/png"},
                            {".txt", "text/plain; charset=utf-8"},
                            {".webmanifest", "application/manifest+json"},
                            {".woff2", "font/woff2"}};
  for (const auto& type : types)
    if (path.ends_with(type.ending)) return type.name;
  return "application/octet-stream";
}

}  // namespace smtpdx::web
