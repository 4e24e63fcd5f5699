// SPDX-License-Identifier: Apache-2.0
#pragma once

// The public suffix list, which RFC 7489 §3.2 finds organizational domains by.

#include <memory>
#include <string>
#include <string_view>

namespace smtpdx::dmarc {

class PublicSuffixes {
 public:
  /// The newest of the system's list (the package publicsuffix) and the one inside libpsl. `file`: another list, of
  /// either format, in place of the system's. Never fails: without any list every name's last label is its suffix.
  explicit PublicSuffixes(const std::string& file = {});
  ~PublicSuffixes();
  PublicSuffixes(const PublicSuffixes&) = delete;

  /// "example.co.uk" for "a.b.example.co.uk"; the name itself where it is a suffix. Canonical, A-labels.
  std::string organizational(std::string_view domain) const;
  bool is_suffix(std::string_view domain) const;

 private:
  struct List;
  std::unique_ptr<List> list_;
};

}  // namespace smtpdx::dmarc
