// SPDX-License-Identifier: Apache-2.0
//
// "verify = …" in an ACL, as far as it can be known before anything of the message is there.

#include <algorithm>

#include "base/text.hpp"
#include "mta/exim/acl_run.hpp"
#include "mta/exim/helo.hpp"
#include "mta/exim/lists.hpp"
#include "mta/exim/routing.hpp"

namespace smtpdx::mta::exim {
namespace {

Tested tested(Answer answer, std::string why) {
  return {answer, std::move(why), answer == Answer::yes ? AclResult::accept : AclResult::deny, {}};
}

struct Wanted {
  std::string what, address;
  VerifyOptions options;
  bool defer_ok = false, no_details = false;
};

Wanted wanted_of(const std::string& argument) {
  Wanted wanted;
  const auto parts = split(argument, '/');
  const auto first = trim(parts.front());
  const auto equals = first.find('=');
  wanted.what = to_lower(trim(first.substr(0, equals)));
  if (equals != std::string_view::npos) wanted.address = std::string(trim(first.substr(equals + 1)));
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto option = trim(parts[i]);
    if (option.starts_with("callout")) wanted.options.callout = true;
    if (option.find("defer_ok") != std::string_view::npos) wanted.defer_ok = true;
    if (option == "success_on_redirect") wanted.options.success_on_redirect = true;
    if (option == "no_details") wanted.no_details = true;
  }
  return wanted;
}

Tested reverse_lookup(Context& c, ReplyText& reply) {
  const auto& host = host_name(c);
  switch (host.state) {
    case HostName::found:
      return tested(Answer::yes, host.name);
    case HostName::unsure:
      return tested(c.ask("the client's host name") ? Answer::yes : Answer::no, "the client's host name");
    case HostName::deferred:
      reply.user = "host lookup deferred for reverse lookup check";
      return tested(Answer::defer, "the look-up of the client's name deferred");
    default:
      reply.user = "host lookup failed for reverse lookup check";
      return tested(Answer::no, "the client has no name that leads back to it");
  }
}

Tested address(Context& c, const Wanted& wanted, ReplyText& reply) {
  const bool sender = wanted.what == "sender";
  const auto& whom = !wanted.address.empty() ? wanted.address : sender ? c.sender : c.recipient;
  if (whom.empty()) return tested(Answer::yes, "the empty sender");
  auto options = wanted.options;
  options.sender = sender;
  auto result = verify_address(c, whom, options);
  if (sender && result.answer == Answer::yes) c.sender_address_data = c.address_data;
  auto why = result.why + (result.message.empty() ? "" : ": " + result.message);
  if (result.answer == Answer::defer && wanted.defer_ok) return tested(Answer::yes, why + " (defer_ok)");
  if (result.answer != Answer::yes) {
    reply.user = result.message;
    reply.temporary_details = result.pass_message;
    c.verify_message = result.message;
    if (sender && result.answer == Answer::no) {
      reply.sender_verify = wanted.no_details ? std::string() : whom;
      reply.sender_verify_why = result.message;
      reply.user = "Sender verify failed";
    } else if (sender && !wanted.no_details && !result.message.empty()) {
      reply.user = result.message + "\nCould not complete sender verify";
      reply.temporary_details = true;
    }
  }
  return tested(result.answer, std::move(why));
}

}  // namespace

Tested test_verify(Context& c, const std::string& argument, ReplyText& reply) {
  const auto wanted = wanted_of(argument);
  if (wanted.what == "reverse_host_lookup") return reverse_lookup(c, reply);
  if (wanted.what == "helo") {
    verify_helo(c);
    const auto answer = c.helo_verified == "yes"     ? Answer::yes
                        : c.helo_verified == "defer" ? Answer::defer
                                                     : Answer::no;
    return tested(answer, "HELO name " + printable(c.helo, 60));
  }
  if (wanted.what == "recipient") {
    if (c.acl_where != "rcpt") return tested(Answer::error, "cannot verify the recipient before RCPT");
    return address(c, wanted, reply);
  }
  if (wanted.what == "sender") {
    if (c.acl_where != "rcpt" && c.acl_where != "mail")
      return tested(Answer::error, "cannot verify the sender before MAIL");
    return address(c, wanted, reply);
  }
  if (wanted.what == "certificate") {
    if (!c.tls) return tested(Answer::no, "no TLS");
    if (c.session.certificate_told)
      return tested(c.session.certificate && c.session.certificate->trusted ? Answer::yes : Answer::no, "");
    return tested(c.ask("whether the client shows a trusted certificate") ? Answer::yes : Answer::no, "");
  }
  if (wanted.what == "csa") return tested(c.ask("client SMTP authorization") ? Answer::yes : Answer::no, argument);
  return tested(Answer::error, "\"verify = " + printable(argument, 60) + "\" cannot be tested here");
}

}  // namespace smtpdx::mta::exim
