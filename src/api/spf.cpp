// SPDX-License-Identifier: Apache-2.0
#include "api/spf.hpp"

#include "base/text.hpp"
#include "spf/check.hpp"

namespace smtpdx::api {

namespace {

Result<spf::Question> question_of(const SpfWords& words) {
  spf::Question question;
  const auto client = IpAddress::parse(words.ip);
  if (!client)
    return fail(ErrorKind::usage, words.ip + ": not an IP address",
                "smtpdx spf 192.0.2.1 alice@example.org mail.example.org");
  question.client = *client;
  question.sender = words.sender;
  question.helo = words.helo;
  question.identity = words.identity == "helo" ? spf::Identity::helo : spf::Identity::mail_from;
  const auto path = trim(words.sender);
  const bool null_path = path.empty() || path == "<>";
  if (words.helo.empty() && (null_path || question.identity == spf::Identity::helo))
    return fail(ErrorKind::usage, "without a sender the HELO name is what is checked, and none is given",
                "give the HELO name as the third word");
  if (!words.receiver.empty()) question.receiver = words.receiver;
  return question;
}

}  // namespace

Result<spf::Outcome> spf(World& world, const SpfWords& words) {
  auto question = question_of(words);
  if (!question) return std::unexpected(question.error());
  question->now = world.runtime().wall();
  return io::run(world.runtime(), spf::check(world.env().resolver, std::move(*question), world.deadline()));
}

}  // namespace smtpdx::api
