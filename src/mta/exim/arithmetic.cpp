// SPDX-License-Identifier: Apache-2.0
//
// ${eval:…}: the operators of C on whole numbers, with K, M and G behind them.

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.hpp"
#include "mta/exim/expand.hpp"

namespace smtpdx::mta::exim {
namespace {

class Calculator {
 public:
  Calculator(std::string_view text, std::string& why) : s_(text), why_(why) {}

  std::optional<long long> run() {
    const auto value = level(0);
    spaces();
    if (!why_.empty()) return std::nullopt;
    if (at_ < s_.size()) return wrong("expecting operator");
    return value;
  }

 private:
  static constexpr std::array<std::string_view, 5> levels = {"|", "^", "&", "<>", "+-"};

  std::optional<long long> wrong(const char* why) {
    if (why_.empty()) why_ = why;
    return std::nullopt;
  }
  void spaces() {
    while (at_ < s_.size() && is_space(s_[at_])) ++at_;
  }

  std::optional<long long> level(std::size_t depth) {
    if (depth == levels.size()) return product();
    auto value = level(depth + 1);
    for (spaces(); value && at_ < s_.size() && levels[depth].find(s_[at_]) != std::string_view::npos; spaces()) {
      const char op = s_[at_++];
      if ((op == '<' || op == '>') && (at_ >= s_.size() || s_[at_++] != op)) return wrong("expecting operator");
      const auto right = level(depth + 1);
      if (!right) return right;
      value = apply(op, *value, *right);
    }
    return value;
  }

  static long long apply(char op, long long a, long long b) {
    const auto x = static_cast<std::uint64_t>(a), y = static_cast<std::uint64_t>(b);
    switch (op) {
      case '|':
        return a | b;
      case '^':
        return a ^ b;
      case '&':
        return a & b;
      case '<':
        return static_cast<long long>(x << (y & 63));
      case '>':
        return a >> (y & 63);
      case '+':
        return static_cast<long long>(x + y);
      case '-':
        return static_cast<long long>(x - y);
      default:
        return static_cast<long long>(x * y);
    }
  }

  std::optional<long long> product() {
    auto value = single();
    for (spaces(); value && at_ < s_.size() && std::string_view("*/%").find(s_[at_]) != std::string_view::npos;
         spaces()) {
      const char op = s_[at_++];
      const auto right = single();
      if (!right) return right;
      if (op == '*')
        value = apply(op, *value, *right);
      else if (*right == 0)
        return wrong("divide by zero");
      else if (*right == -1)
        value = op == '/' ? apply('-', 0, *value) : 0;
      else
        value = op == '/' ? *value / *right : *value % *right;
    }
    return value;
  }

  std::optional<long long> single() {
    if (++depth_ > 100) return wrong("too deep");
    spaces();
    if (at_ >= s_.size()) return wrong("expecting number or opening parenthesis");
    std::optional<long long> value;
    if (s_[at_] == '(') {
      ++at_;
      value = level(0);
      spaces();
      if (at_ >= s_.size() || s_[at_++] != ')') return wrong("expecting closing parenthesis");
    } else if (s_[at_] == '-' || s_[at_] == '~' || s_[at_] == '+') {
      const char sign = s_[at_++];
      value = single();
      if (value && sign == '-') value = apply('-', 0, *value);
      if (value && sign == '~') value = ~*value;
    } else {
      value = number();
    }
    --depth_;
    return value;
  }

  std::optional<long long> number() {
    const auto begin = at_;
    while (at_ < s_.size() && is_digit(s_[at_])) ++at_;
    if (at_ == begin) return wrong("expecting number or opening parenthesis");
    if (at_ < s_.size() && std::string_view("kKmMgG").find(s_[at_]) != std::string_view::npos) ++at_;
    return number_of(s_.substr(begin, at_ - begin));
  }

  std::string_view s_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
  std::string& why_;
};

}  // namespace

std::optional<long long> evaluate(std::string_view text, std::string& why) { return Calculator(text, why).run(); }

}  // namespace smtpdx::mta::exim
