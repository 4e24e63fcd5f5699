// SPDX-License-Identifier: Apache-2.0
#pragma once

// A request's JSON object, read key by key: what is not asked for is an unknown key, and said. For api/*.cpp.

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/result.hpp"

namespace smtpdx::api {

class JsonObject {
 public:
  /// Error malformed where `text` is no JSON object, or nested deeper than any request is.
  static Result<JsonObject> parse(std::string_view text) {
    if (is_too_deep(text)) return fail(ErrorKind::malformed, "the body is nested too deep");
    auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_discarded()) return fail(ErrorKind::malformed, "the body is no JSON");
    return of(std::move(json), "the body");
  }

  /// Whether the key is there, and not null.
  bool has(const char* key) { return find(key) != nullptr; }
  /// A text value; empty where the key is absent or null.
  std::string text(const char* key) { return value<std::string>(key, &nlohmann::json::is_string, "a text"); }
  bool flag(const char* key) { return value<bool>(key, &nlohmann::json::is_boolean, "true or false"); }
  JsonObject object(const char* key) {
    auto* found = find(key);
    if (!found) return JsonObject(nlohmann::json::object(), key);
    if (found->is_object()) return JsonObject(std::move(*found), key);
    complain(key, "an object");
    return JsonObject(nlohmann::json::object(), key);
  }
  /// A list of texts, joined by commas.
  std::string texts(const char* key) {
    auto* found = find(key);
    std::string joined;
    if (!found) return joined;
    for (const auto& one : *found) {
      if (!found->is_array() || !one.is_string()) return complain(key, "a list of texts"), std::string();
      joined += (joined.empty() ? "" : ",") + one.get<std::string>();
    }
    return joined;
  }

  /// After the last key: the first thing that was wrong with it.
  Result<void> done() {
    for (const auto& [key, unused] : json_.items())
      if (!known_.contains(key) && problem_.empty()) problem_ = name_ + " has no key \"" + key + "\"";
    if (problem_.empty()) return {};
    return fail(ErrorKind::malformed, problem_);
  }

 private:
  /// The library parses any depth, but copies and writes by recursion: a megabyte of "[" would overrun the stack.
  static bool is_too_deep(std::string_view text) {
    constexpr std::size_t deepest = 32;
    std::size_t depth = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '"') quoted = !quoted;
      if (quoted && c == '\\') ++i;
      if (quoted) continue;
      if ((c == '[' || c == '{') && ++depth > deepest) return true;
      if ((c == ']' || c == '}') && depth > 0) --depth;
    }
    return false;
  }

  JsonObject(nlohmann::json json, std::string name) : json_(std::move(json)), name_(std::move(name)) {}
  static Result<JsonObject> of(nlohmann::json json, std::string name) {
    if (!json.is_object()) return fail(ErrorKind::malformed, name + " is no JSON object");
    return JsonObject(std::move(json), std::move(name));
  }

  nlohmann::json* find(const char* key) {
    known_.insert(key);
    const auto it = json_.find(key);
    return it == json_.end() || it->is_null() ? nullptr : &*it;
  }
  void complain(const char* key, const char* wanted) {
    if (problem_.empty()) problem_ = "\"" + std::string(key) + "\" in " + name_ + " is not " + wanted;
  }
  template <class T>
  T value(const char* key, bool (nlohmann::json::*is)() const noexcept, const char* wanted) {
    auto* found = find(key);
    if (!found) return T();
    if ((found->*is)()) return found->get<T>();
    complain(key, wanted);
    return T();
  }

  nlohmann::json json_;
  std::string name_, problem_;
  std::set<std::string> known_;
};

}  // namespace smtpdx::api
