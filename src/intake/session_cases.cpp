// SPDX-License-Identifier: Apache-2.0
#include "intake/session_cases.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace smtpdx::intake {
namespace {

using nlohmann::json;

std::unexpected<Error> wrong(std::string what) {
  return fail(
      ErrorKind::malformed, std::move(what),
      R"(a case is {"id":"1","client":"192.0.2.7","port":25,"helo":"a.example","tls":"","cert":null,"sasl":null,)"
      R"("sender":"a@x.example","rcpt":"b@y.example"})");
}

/// A string member; nullopt where it is absent or null.
Result<std::optional<std::string>> text_of(const json& object, const char* name) {
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return std::optional<std::string>();
  if (!it->is_string()) return wrong(std::string("\"") + name + "\" is no string");
  return std::optional(it->get<std::string>());
}

Result<void> read_login(const json& object, mta::Session& session) {
  const auto it = object.find("sasl");
  if (it == object.end() || it->is_null()) return {};
  if (!it->is_object()) return wrong("\"sasl\" is neither null nor an object");
  auto user = text_of(*it, "user");
  if (!user) return std::unexpected(user.error());
  const auto valid = it->find("valid");
  session.login = mta::Login{*user, valid == it->end() || !valid->is_boolean() || valid->get<bool>()};
  return {};
}

Result<void> read_certificate(const json& object, mta::Session& session) {
  const auto it = object.find("cert");
  if (it == object.end() || it->is_null()) return {};
  if (!it->is_object()) return wrong("\"cert\" is neither null nor an object");
  mta::ClientCertificate certificate;
  if (const auto trusted = it->find("trusted"); trusted != it->end() && trusted->is_boolean())
    certificate.trusted = trusted->get<bool>();
  if (const auto prints = it->find("fingerprints"); prints != it->end() && prints->is_object())
    for (const auto& [digest, value] : prints->items())
      if (value.is_string()) certificate.fingerprints[digest] = value.get<std::string>();
  session.certificate = std::move(certificate);
  return {};
}

Result<void> read_connection(const json& object, mta::Session& session) {
  auto client = text_of(object, "client");
  if (!client) return std::unexpected(client.error());
  if (*client) {
    session.client = IpAddress::parse(**client);
    if (!session.client) return wrong("\"client\" is no address: " + printable(**client, 60));
  }
  if (const auto port = object.find("port"); port != object.end()) {
    if (!port->is_number_unsigned() || port->get<std::uint64_t>() == 0 || port->get<std::uint64_t>() > 65535)
      return wrong("\"port\" is no port");
    session.port = port->get<std::uint16_t>();
  }
  auto tls = text_of(object, "tls");
  if (!tls) return std::unexpected(tls.error());
  auto mode = read_tls(tls->value_or(""));
  if (!mode) return std::unexpected(mode.error());
  session.tls = *mode;
  return {};
}

Result<SessionCase> read_case(std::string_view line, std::size_t number) {
  const auto object = json::parse(line, nullptr, false);
  if (!object.is_object()) return wrong("no JSON object");
  SessionCase out;
  out.id = std::to_string(number);
  if (const auto id = object.find("id"); id != object.end())
    out.id = id->is_string() ? id->get<std::string>() : id->dump();
  for (auto* reader : {read_connection, read_login, read_certificate})
    if (auto ok = reader(object, out.session); !ok) return std::unexpected(ok.error());
  auto helo = text_of(object, "helo"), sender = text_of(object, "sender"), recipient = text_of(object, "rcpt");
  for (const auto* text : {&helo, &sender, &recipient})
    if (!*text) return std::unexpected(text->error());
  if (!*recipient) return wrong("there is no \"rcpt\"");
  out.session.helo = *helo;
  out.session.sender = sender->value_or("");
  out.session.recipient = **recipient;
  return out;
}

}  // namespace

Result<mta::Tls> read_tls(std::string_view word) {
  if (word.empty() || word == "none") return mta::Tls::none;
  if (word == "starttls") return mta::Tls::starttls;
  if (word == "wrapper") return mta::Tls::wrapper;
  return fail(ErrorKind::malformed, "TLS is \"starttls\", \"wrapper\" or nothing, not \"" + printable(word, 40) + "\"");
}

Result<std::vector<SessionCase>> read_session_cases(std::string_view lines) {
  std::vector<SessionCase> cases;
  std::size_t number = 0;
  for (auto line : split_lines(lines)) {
    ++number;
    if (trim(line).empty()) continue;
    auto one = read_case(line, number);
    if (!one)
      return fail(one.error().kind, "case " + std::to_string(number) + ": " + one.error().message, one.error().hint);
    cases.push_back(std::move(*one));
  }
  return cases;
}

Result<std::vector<mta::OwnAddress>> read_own_addresses(std::string_view list) {
  std::vector<mta::OwnAddress> own;
  for (auto word : split(list, ',')) {
    word = trim(word);
    if (word.empty()) continue;
    const auto slash = word.find('/');
    const auto address = IpAddress::parse(word.substr(0, slash));
    if (!address) return fail(ErrorKind::usage, "\"" + printable(word, 60) + "\" is no address");
    const std::uint64_t width = address->is_v6() ? 128 : 32;
    const auto prefix =
        slash == std::string_view::npos ? width : parse_number(word.substr(slash + 1)).value_or(width + 1);
    if (prefix > width) return fail(ErrorKind::usage, "\"" + printable(word, 60) + "\" has no such prefix length");
    own.push_back({*address, static_cast<unsigned>(prefix), true});
  }
  return own;
}

}  // namespace smtpdx::intake
