// SPDX-License-Identifier: Apache-2.0
#include "dsn/delivery_report.hpp"

#include "base/ip.hpp"
#include "base/text.hpp"
#include "dsn/excerpt.hpp"
#include "dsn/reader.hpp"
#include "dsn/words.hpp"
#include "mail/address.hpp"
#include "mail/message.hpp"

namespace smtpdx::dsn {
namespace {

constexpr std::size_t most_recipients = 1000;
constexpr std::size_t most_fields = 200;  ///< of one group

bool is_field_name(std::string_view name) {
  if (name.empty() || name.size() > 60) return false;
  for (char c : name)
    if (!is_digit(c) && c != '-' && c != '_' && !(ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')) return false;
  return true;
}

bool is_recipient_group(const ReportGroup& group) {
  return group.find("final-recipient") || group.find("original-recipient") ||
         (group.find("action") && group.find("status"));
}

/// "dns; mx.example.org (192.0.2.25, the server for …)" → name and address.
NamedHost mta_name(std::string_view value) {
  std::size_t semicolon = value.find(';');
  if (semicolon != std::string_view::npos && semicolon < 20) value = value.substr(semicolon + 1);
  value = trim(value);
  NamedHost out;
  std::string_view word = value.substr(0, find_any(value, " \t(,"));
  if (auto address = IpAddress::parse(word))
    out.address = address->to_string();
  else if (!word.empty() && word.size() < 256)
    out.host = canonical_name(word);
  for (std::size_t at = find_either(value, '[', '('); at != std::string_view::npos;
       at = find_either(value, '[', '(', at + 1)) {
    std::string_view rest = value.substr(at + 1, 60);
    rest = rest.substr(0, find_any(rest, "]), "));
    if (auto address = IpAddress::parse(rest)) out.address = address->to_string();
  }
  return out;
}

Kind kind_of(std::string_view action, const std::optional<smtp::EnhancedStatus>& status) {
  for (Kind kind : {Kind::failed, Kind::delayed, Kind::delivered, Kind::relayed, Kind::expanded})
    if (istarts_with(action, to_string(kind))) return kind;
  if (status && status->klass == 4) return Kind::delayed;
  if (status && status->klass == 2) return Kind::delivered;
  return Kind::failed;
}

std::optional<smtp::EnhancedStatus> status_of(std::string_view value) {
  auto words = split_words(value.substr(0, 200));
  return words.empty() ? std::nullopt : smtp::EnhancedStatus::parse(words.front());
}

/// Where the words of a Diagnostic-Code begin: after its type ("smtp;", "X-Postfix;").
std::size_t after_type(std::string_view value) {
  std::size_t i = 0;
  while (i < value.size() && is_space(value[i])) ++i;
  std::size_t begin = i;
  while (i < value.size() && i - begin < 30 && (is_field_name(value.substr(i, 1)))) ++i;
  std::size_t end = i;
  while (i < value.size() && is_space(value[i])) ++i;
  return i < value.size() && value[i] == ';' && end > begin ? i + 1 : begin;
}

void take_diagnostic(const ReportField& field, const mail::Text& text, Refusal& refusal) {
  std::string_view raw = text.view().substr(field.from, field.length);
  std::size_t skip = after_type(raw);
  Refusal read = read_excerpt(folded(text, field.from + skip, field.length - skip), "diagnostic-code");
  refusal.reply = std::move(read.reply);
  refusal.inner = std::move(read.inner);
  refusal.evidence = std::move(read.evidence);
  refusal.phase = read.phase;
  refusal.decider = read.decider;
  refusal.decider_address = read.decider_address;
  refusal.client_address = read.client_address;
}

/// Exit codes and words of a local mailer ("X-Unix; 71"), or a recipient that is a pipe.
bool by_local_program(const ReportGroup& group) {
  if (istarts_with(group.value("diagnostic-code"), "x-unix")) return true;
  for (auto name : {"x-actual-recipient", "final-recipient"}) {
    std::string value = group.value(name);
    std::string_view rest = trim(std::string_view(value).substr(value.find(';') + 1));
    if (rest.starts_with('|') || rest.starts_with("\"|")) return true;
  }
  return false;
}

Refusal refusal_of(const ReportGroup& group, const DeliveryReport& report, const mail::Text& text) {
  Refusal refusal;
  if (const auto* diagnostic = group.find("diagnostic-code")) take_diagnostic(*diagnostic, text, refusal);
  auto status = status_of(group.value("status"));
  refusal.kind = kind_of(group.value("action"), status);
  if (!refusal.reply.status && status) {
    refusal.reply.status = status;
    if (const auto* field = group.find("status"); field && refusal.evidence.empty()) {
      auto [offset, length] = text.range(field->from, field->length);
      refusal.evidence.push_back({"status", offset, length, field->value});
    }
  }
  refusal.local_program = by_local_program(group);
  refusal.recipient = mail::report_address(group.value("final-recipient"));
  refusal.original_recipient = mail::report_address(group.value("original-recipient"));
  if (refusal.recipient.find('@') == std::string::npos && refusal.original_recipient.find('@') != std::string::npos)
    refusal.recipient = refusal.original_recipient;
  refusal.reporter = report.reporter();
  NamedHost remote = mta_name(group.value("remote-mta"));
  if (refusal.decider.empty() && remote.host != refusal.reporter) refusal.decider = remote.host;
  if (refusal.decider_address.empty()) refusal.decider_address = remote.address;
  if (const auto* field = group.find("remote-mta"); field && refusal.decider == remote.host && !remote.host.empty()) {
    auto [offset, length] = text.range(field->from, field->length);
    refusal.evidence.push_back({"remote-mta", offset, length, field->value});
  }
  for (auto name : {"x-postfix-sender", "x-sender", "x-original-sender"})
    if (refusal.sender.empty()) refusal.sender = mail::report_address(report.message.value(name));
  return refusal;
}

}  // namespace

const ReportField* ReportGroup::find(std::string_view name) const {
  for (const auto& field : fields)
    if (field.name == name) return &field;
  return nullptr;
}

std::string ReportGroup::value(std::string_view name) const {
  const ReportField* field = find(name);
  return field ? field->value : std::string();
}

std::string DeliveryReport::reporter() const { return mta_name(message.value("reporting-mta")).host; }

DeliveryReport parse_delivery_report(const mail::Text& text) {
  DeliveryReport report;
  ReportGroup group;
  auto finish = [&] {
    if (is_recipient_group(group)) {
      if (report.message.fields.empty() && group.find("reporting-mta")) report.message = group;
      if (report.recipients.size() < most_recipients) report.recipients.push_back(std::move(group));
    } else if (!group.fields.empty()) {
      for (auto& field : group.fields) report.message.fields.push_back(std::move(field));
    }
    group = {};
  };
  std::string_view all = text.view();
  mail::LineReader reader(all, mail::line_end_of(all));
  std::string_view line;
  while (reader.next(line)) {
    if (trim(line).empty()) {
      finish();
      continue;
    }
    std::size_t offset = reader.line_offset();
    std::size_t colon = line.find(':');
    bool continuation = line[0] == ' ' || line[0] == '\t' || colon == std::string_view::npos ||
                        !is_field_name(trim(line.substr(0, colon)));
    if (continuation) {
      if (group.fields.empty()) continue;
      ReportField& last = group.fields.back();
      last.length = std::min(offset + line.size() - last.from, 2 * reply_limit);
      last.value = fold_space(all.substr(last.from, last.length));
      continue;
    }
    if (group.fields.size() >= most_fields || report.message.fields.size() >= most_fields) continue;
    ReportField field;
    field.name = to_lower(trim(line.substr(0, colon)));
    // A second Final-Recipient without a blank line before it opens the next group.
    if (field.name == "final-recipient" && group.find("final-recipient")) finish();
    field.from = offset + colon + 1;
    field.length = std::min(line.size() - colon - 1, 2 * reply_limit);
    field.value = fold_space(all.substr(field.from, field.length));
    group.fields.push_back(std::move(field));
  }
  finish();
  return report;
}

std::vector<Refusal> refusals_of(const DeliveryReport& report, const mail::Text& text) {
  std::vector<Refusal> out;
  out.reserve(report.recipients.size());
  for (const auto& group : report.recipients) out.push_back(refusal_of(group, report, text));
  return out;
}

}  // namespace smtpdx::dsn
