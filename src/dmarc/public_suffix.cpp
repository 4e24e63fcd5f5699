// SPDX-License-Identifier: Apache-2.0
#include "dmarc/public_suffix.hpp"

#include <libpsl.h>

#include "base/text.hpp"

namespace smtpdx::dmarc {

struct PublicSuffixes::List {
  psl_ctx_t* psl = nullptr;
  ~List() { psl_free(psl); }
};

PublicSuffixes::PublicSuffixes(const std::string& file) : list_(std::make_unique<List>()) {
  list_->psl = file.empty() ? psl_latest(psl_dist_filename()) : psl_load_file(file.c_str());
}

PublicSuffixes::~PublicSuffixes() = default;

std::string PublicSuffixes::organizational(std::string_view domain) const {
  const auto name = canonical_name(domain);
  if (const char* found = list_->psl ? psl_registrable_domain(list_->psl, name.c_str()) : nullptr) return found;
  if (list_->psl) return name;
  const auto last = name.rfind('.');
  if (last == std::string::npos || last == 0) return name;
  const auto before = name.rfind('.', last - 1);
  return before == std::string::npos ? name : name.substr(before + 1);
}

bool PublicSuffixes::is_suffix(std::string_view domain) const {
  const auto name = canonical_name(domain);
  return list_->psl ? psl_is_public_suffix(list_->psl, name.c_str()) != 0 : name.find('.') == std::string::npos;
}

}  // namespace smtpdx::dmarc
