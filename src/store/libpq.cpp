// SPDX-License-Identifier: Apache-2.0
#include "store/libpq.hpp"

#include <dlfcn.h>

namespace smtpdx::store {
namespace {

struct Loaded {
  Libpq functions;
  std::string problem;
};

Loaded load() {
  Loaded loaded;
  void* library = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    loaded.problem = ::dlerror();
    return loaded;
  }
#define SMTPDX_LIBPQ_LOAD(name)                                                                       \
  loaded.functions.name = reinterpret_cast<decltype(loaded.functions.name)>(::dlsym(library, #name)); \
  if (!loaded.functions.name) loaded.problem = "it has no function " #name;
  SMTPDX_LIBPQ_FUNCTIONS(SMTPDX_LIBPQ_LOAD)
#undef SMTPDX_LIBPQ_LOAD
  return loaded;
}

}  // namespace

Outcome<const Libpq*> libpq() {
  static const Loaded loaded = load();
  if (!loaded.problem.empty()) {
    return troubled(Trouble::failed, "PostgreSQL's client library cannot be loaded: " + loaded.problem,
                    "install the Debian package libpq5");
  }
  return &loaded.functions;
}

}  // namespace smtpdx::store
