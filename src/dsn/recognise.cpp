// SPDX-License-Identifier: Apache-2.0
#include "dsn/recognise.hpp"

#include <string>

#include "base/text.hpp"
#include "mail/encoded_word.hpp"

namespace smtpdx::dsn {

/// At least two fields that every message has, at the very beginning.
bool is_message(std::string_view octets) {
  mail::Header header = mail::parse_header(octets.substr(0, 256 * 1024), 0, {.header_lines = 2000});
  int known = 0;
  for (std::string_view name :
       {"From", "To", "Subject", "Date", "Received", "Return-Path", "Message-ID", "MIME-Version", "Content-Type",
        "Delivered-To", "X-Failed-Recipients", "Auto-Submitted"})
    known += header.find(name) != nullptr ? 1 : 0;
  return known >= 2;
}

/// How sure the header is that this is a report of a mail system.
bool from_mail_system(const mail::Header& header) {
  if (header.find("X-Failed-Recipients") || header.find("X-MS-Exchange-Message-Is-Ndr")) return true;
  std::string from = to_lower(header.value("From"));
  for (std::string_view name : {"mailer-daemon", "postmaster", "mail delivery", "maildelivery", "mail-daemon",
                                "mailerdaemon", "mail delivery subsystem", "microsoftexchange", "bounce"})
    if (from.find(name) != std::string::npos) return true;
  if (const auto* path = header.find("Return-Path"); path && trim(path->value()) == "<>") return true;
  std::string subject = to_lower(mail::decode_encoded_words(header.value("Subject")));
  for (std::string_view words : {"undeliver", "returned mail", "delivery status notification", "delivery failure",
                                 "mail delivery failed", "failure notice", "delivery failed",
                                 "mail could not be delivered", "non remis", "unzustellbar", "nicht zustellbar"})
    if (subject.starts_with(words) || subject.find(words) != std::string::npos) return true;
  return false;
}

bool is_auto_reply(const mail::Header& header) {
  std::string submitted = to_lower(header.value("Auto-Submitted"));
  if (submitted.starts_with("auto-replied")) return true;
  for (auto name : {"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response-From"})
    if (header.find(name)) return true;
  if (iequals(header.value("Precedence"), "auto_reply")) return true;
  std::string subject = to_lower(mail::decode_encoded_words(header.value("Subject")));
  for (std::string_view words : {"auto:", "out of office", "automatic reply", "autoreply", "auto reply", "vacation",
                                 "abwesenheit", "automatische antwort", "réponse automatique"})
    if (subject.starts_with(words)) return true;
  return false;
}

bool is_challenge(const mail::Header& header) {
  for (auto name : {"X-TMDA-Fingerprint", "X-TMDA-Confirm", "X-Boxbe-Notification"})
    if (header.find(name)) return true;
  std::string agent = to_lower(header.value("X-Delivery-Agent"));
  return agent.find("tmda") != std::string::npos;
}

bool is_complaint(const mail::Part& root) {
  if (iequals(root.content_type.parameter("report-type"), "feedback-report")) return true;
  std::string subject = to_lower(mail::decode_encoded_words(root.header.value("Subject")));
  for (std::string_view words :
       {"complaint about message from", "email feedback report", "spam complaint", "abuse report"})
    if (subject.starts_with(words)) return true;
  return false;
}

bool is_list_mail(const mail::Header& header) {
  return header.find("List-Id") || header.find("List-Post") || iequals(header.value("Precedence"), "list");
}

}  // namespace smtpdx::dsn
