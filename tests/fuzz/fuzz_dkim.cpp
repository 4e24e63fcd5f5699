// SPDX-License-Identifier: Apache-2.0
// links: dkim mail dns io trace base
// Any octets as a signature, a key record, a key and a body. The first octet chooses which; a body must come out the
// same however it is cut, and a second pass over a canonical form must change nothing.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/encoding.hpp"
#include "dkim/canonical.hpp"
#include "dkim/key.hpp"
#include "dkim/signature.hpp"
#include "dkim/tags.hpp"
#include "dkim/test_signer.hpp"

namespace {

using namespace smtpdx::dkim;

void demand(bool condition) {
  if (!condition) std::abort();
}

void signature(std::string_view text) {
  for (auto kind : {FieldKind::dkim, FieldKind::arc_message, FieldKind::arc_seal}) {
    Signature s;
    const auto defect = read_signature(kind, text, s);
    if (!defect) demand(is_domain(s.domain) && is_domain(s.selector) && !s.signature.empty());
  }
  const auto pieces = without_signature(text);
  demand(pieces.before.size() + pieces.after.size() <= text.size());
  demand(text.starts_with(pieces.before) && text.ends_with(pieces.after));
}

void key(std::string_view text) {
  KeyRecord record;
  read_key_record(text, record);
  KeyCache cache;
  Signature s;
  for (auto kind : {KeyKind::rsa, KeyKind::ed25519}) {
    s.kind = kind;
    const auto usable = usable_key(std::string(text), s, FieldKind::dkim, cache);
    if (usable.key) usable.key->verifies(Hash::sha256, std::string(32, 'x'), std::string(usable.key->bits() / 8, 'y'));
    if (const auto octets = smtpdx::base64_decode(text.substr(0, 4096))) (void)PublicKey::parse(kind, *octets);
    (void)PublicKey::parse(kind, text.substr(0, 4096));
  }
}

void body(std::string_view text) {
  const auto step = text.empty() ? 1 : static_cast<std::size_t>(text.front()) % 17 + 1;
  for (auto c : {Canonicalization::simple, Canonicalization::relaxed}) {
    const auto whole = canonical_body(c, text);
    std::string cut;
    BodyCanonicalizer canonicalizer(c, [&](std::string_view s) { cut.append(s); });
    for (std::size_t at = 0; at < text.size(); at += step) canonicalizer.add(text.substr(at, step));
    canonicalizer.finish();
    demand(cut == whole);
    demand(canonical_body(c, whole) == whole);
    std::string field, again;
    canonical_field(c, text, field);
    // In a field every CRLF is followed by white space, so that none is made anew where one is taken out.
    const bool is_field = text.find(':') != std::string_view::npos && text.find("\r\r\n") == std::string_view::npos;
    if (is_field) canonical_field(c, field, again);
    if (!again.empty()) demand(again == field);
  }
}

/// A whole message whose signatures are looked for what broke them.
void message(std::string_view text) {
  static const auto test_key = TestKey::rsa(1024);
  TestResolver resolver;
  resolver.texts["s._domainkey.example.org"] = {test_key.record()};
  const std::string octets(text);
  const Message m(octets);
  for (const auto& field : m.fields()) demand(field.offset < octets.size());
  Options options{test_time};
  options.most_signatures = 3;
  verify_all(octets, resolver, options);
  verify_all(
      "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=s; h=from:subject; bh=AAAA; b=AAAA\r\n"
      "From: a\r\n" +
          octets,
      resolver, options);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:
      signature(text);
      break;
    case 1:
      key(text);
      break;
    case 2:
      body(text);
      break;
    default:
      message(text);
  }
  return 0;
}
