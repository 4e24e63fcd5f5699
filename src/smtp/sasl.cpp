// SPDX-License-Identifier: Apache-2.0
#include "smtp/sasl.hpp"

// Authentication mechanisms as octet machines. Password mechanisms are libgsasl's: it has been wrong and mended in more
// places than we would find. The two OAuth ones are a line of text each and libgsasl has neither, so they are written
// here. No base64 and no SMTP in this file; smtp/session_auth.cpp holds the dialogue of RFC 4954.

#include <gsasl.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace smtpdx::smtp {
namespace {

constexpr char ctrl_a = '\x01';

struct FreeGsasl {
  void operator()(Gsasl* context) const { gsasl_done(context); }
  void operator()(Gsasl_session* session) const { gsasl_finish(session); }
};

// ---- Password mechanisms

class GsaslClient final : public SaslClient {
 public:
  static Result<std::unique_ptr<SaslClient>> make(const std::string& mechanism, const Credentials& credentials);

  const std::string& mechanism() const override { return mechanism_; }
  Result<std::optional<std::string>> initial() override;
  Result<std::string> respond(std::string_view challenge) override { return step(challenge); }
  const std::string& error_document() const override { return no_document_; }

 private:
  Result<std::string> step(std::string_view input);

  std::string mechanism_;
  std::string no_document_;
  std::unique_ptr<Gsasl, FreeGsasl> context_;
  std::unique_ptr<Gsasl_session, FreeGsasl> session_;  // dies before its context
  bool finished_ = false;
};

/// RFC 5802 §5.1: the server says how often the hash is repeated, and libgsasl does what it is told, for hours. In the
/// field: 4096 (RFC 7677 §4) to some 600,000; a million take about a second.
constexpr std::uint64_t most_iterations = 1'000'000;

bool asks_too_much(std::string_view server_first) {
  for (auto attribute : split(server_first, ',')) {
    if (!attribute.starts_with("i=")) continue;
    auto digits = attribute.substr(2);
    bool number = !digits.empty() && digits.find_first_not_of("0123456789") == std::string_view::npos;
    auto count = parse_number(digits);
    if (number && (!count || *count > most_iterations)) return true;  // what is no number libgsasl refuses itself
  }
  return false;
}

Error gsasl_error(const std::string& mechanism, int code) {
  std::string why = gsasl_strerror(code);
  return {ErrorKind::system, mechanism + ": " + to_lower(why), {}};
}

Result<std::unique_ptr<SaslClient>> GsaslClient::make(const std::string& mechanism, const Credentials& credentials) {
  auto client = std::make_unique<GsaslClient>();
  client->mechanism_ = mechanism;
  Gsasl* context = nullptr;
  if (int code = gsasl_init(&context); code != GSASL_OK) return std::unexpected(gsasl_error(mechanism, code));
  client->context_.reset(context);
  Gsasl_session* session = nullptr;
  if (int code = gsasl_client_start(context, mechanism.c_str(), &session); code != GSASL_OK) {
    return std::unexpected(gsasl_error(mechanism, code));
  }
  client->session_.reset(session);
  const std::pair<Gsasl_property, const std::string&> properties[] = {
      {GSASL_AUTHID, credentials.user}, {GSASL_PASSWORD, credentials.secret}, {GSASL_HOSTNAME, credentials.host}};
  for (const auto& [property, value] : properties) {
    if (int code = gsasl_property_set(session, property, value.c_str()); code != GSASL_OK) {
      return std::unexpected(gsasl_error(mechanism, code));
    }
  }
  if (int code = gsasl_property_set(session, GSASL_SERVICE, "smtp"); code != GSASL_OK) {
    return std::unexpected(gsasl_error(mechanism, code));
  }
  return client;
}

Result<std::optional<std::string>> GsaslClient::initial() {
  bool server_first = mechanism_ == "LOGIN" || mechanism_ == "CRAM-MD5" || mechanism_ == "DIGEST-MD5";
  if (server_first) return std::nullopt;
  auto first = step({});
  if (!first) return std::unexpected(first.error());
  return std::move(*first);
}

Result<std::string> GsaslClient::step(std::string_view input) {
  if (finished_) return fail(ErrorKind::malformed, mechanism_ + ": a challenge more than the mechanism has");
  if (mechanism_.starts_with("SCRAM") && asks_too_much(input)) {
    return fail(ErrorKind::limit, mechanism_ + ": the server asks for more than " + std::to_string(most_iterations) +
                                      " iterations of the hash");
  }
  const std::string ended(input);  // libgsasl takes a length, and its DIGEST-MD5 reads on to a NUL all the same
  char* output = nullptr;
  std::size_t size = 0;
  int code = gsasl_step(session_.get(), ended.c_str(), ended.size(), &output, &size);
  if (code != GSASL_OK && code != GSASL_NEEDS_MORE) return std::unexpected(gsasl_error(mechanism_, code));
  finished_ = code == GSASL_OK;
  std::string answer(output == nullptr ? "" : output, size);
  gsasl_free(output);
  return answer;
}

// ---- OAuth mechanisms

class BearerClient final : public SaslClient {
 public:
  BearerClient(std::string mechanism, std::string first, std::string dummy)
      : mechanism_(std::move(mechanism)), first_(std::move(first)), dummy_(std::move(dummy)) {}

  const std::string& mechanism() const override { return mechanism_; }
  Result<std::optional<std::string>> initial() override { return first_; }
  Result<std::string> respond(std::string_view challenge) override {
    if (refused_) return fail(ErrorKind::malformed, mechanism_ + ": a challenge after the error document");
    refused_ = true;
    document_ = challenge;
    return dummy_;
  }
  const std::string& error_document() const override { return document_; }

 private:
  std::string mechanism_, first_, dummy_, document_;
  bool refused_ = false;
};

/// RFC 5801 §4 saslname: ',' and '=' have a meaning in the header.
std::string saslname(const std::string& user) {
  std::string out;
  for (char c : user) {
    if (c == ',') {
      out += "=2C";
    } else if (c == '=') {
      out += "=3D";
    } else {
      out += c;
    }
  }
  return out;
}

/// RFC 7628 §3.1; an error document is answered by one 0x01 (§3.2.3).
std::unique_ptr<SaslClient> oauthbearer(const Credentials& c) {
  std::string first = "n,a=" + saslname(c.user) + ',' + ctrl_a;
  if (!c.host.empty()) first += "host=" + c.host + ctrl_a;
  if (c.port != 0) first += "port=" + std::to_string(c.port) + ctrl_a;
  first += "auth=Bearer " + c.secret + ctrl_a + ctrl_a;
  return std::make_unique<BearerClient>("OAUTHBEARER", std::move(first), std::string(1, ctrl_a));
}

/// The mechanism Google and Microsoft had before RFC 7628; its error document is answered by an empty line.
std::unique_ptr<SaslClient> xoauth2(const Credentials& c) {
  std::string first = "user=" + c.user + ctrl_a + "auth=Bearer " + c.secret + ctrl_a + ctrl_a;
  return std::make_unique<BearerClient>("XOAUTH2", std::move(first), "");
}

bool only_when_named(std::string_view mechanism) {
  return mechanism == "OAUTHBEARER" || mechanism == "XOAUTH2" || mechanism == "NTLM" || mechanism == "GSSAPI";
}

}  // namespace

const std::vector<std::string>& supported_mechanisms() {
  static const std::vector<std::string> all{"SCRAM-SHA-256", "SCRAM-SHA-1", "DIGEST-MD5", "CRAM-MD5", "PLAIN",
                                            "LOGIN",         "OAUTHBEARER", "XOAUTH2",    "NTLM",     "GSSAPI"};
  return all;
}

std::optional<std::string> choose_mechanism(const Credentials& credentials, const std::vector<std::string>& offered) {
  auto is_offered = [&offered](const std::string& mechanism) {
    return std::any_of(offered.begin(), offered.end(), [&](const auto& o) { return iequals(o, mechanism); });
  };
  for (const auto& ours : supported_mechanisms()) {
    bool wanted = credentials.mechanism ? iequals(*credentials.mechanism, ours) : !only_when_named(ours);
    if (wanted && is_offered(ours)) return ours;
  }
  return std::nullopt;
}

Result<std::unique_ptr<SaslClient>> make_sasl(const std::string& mechanism, const Credentials& credentials) {
  const auto& known = supported_mechanisms();
  if (std::find(known.begin(), known.end(), mechanism) == known.end()) {
    return fail(ErrorKind::usage, "unknown authentication mechanism " + mechanism);
  }
  for (const auto* text : {&credentials.user, &credentials.secret, &credentials.host}) {
    bool cut = text->find('\0') != std::string::npos || text->find(ctrl_a) != std::string::npos;
    if (cut) return fail(ErrorKind::usage, "user, secret and host may not hold the octets 0 and 1");
  }
  if (mechanism == "OAUTHBEARER") return oauthbearer(credentials);
  if (mechanism == "XOAUTH2") return xoauth2(credentials);
  return GsaslClient::make(mechanism, credentials);
}

}  // namespace smtpdx::smtp
