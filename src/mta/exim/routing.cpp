// SPDX-License-Identifier: Apache-2.0
//
// The address goes from router to router until one takes it. A router is skipped where one of its preconditions does
// not hold; it may decline, pass the address on, refuse it, or make other addresses of it, which start again.
//
// What is not done: filters, pipes and queryprogram routers are not run, callouts not made; their outcome is a
// question.

#include "mta/exim/routing.hpp"

#include <algorithm>
#include <tuple>

#include "base/ip.hpp"
#include "base/text.hpp"
#include "mta/exim/address.hpp"
#include "mta/exim/dns_lookup.hpp"
#include "mta/exim/expand.hpp"
#include "mta/exim/lists.hpp"
#include "mta/exim/lookups.hpp"
#include "mta/exim/redirection.hpp"

namespace smtpdx::mta::exim {
namespace {

constexpr unsigned max_redirections = 40;

/// What one router makes of an address.
struct Routed {
  enum Kind { skip, decline, pass, ok, fail, defer, redirect, reroute } kind = skip;
  std::string message;
  bool pass_message = false, remote = false;
  std::vector<std::string> children;
  std::string next;  ///< router to go on with
  static Routed failed(std::string text) {
    Routed r{fail, {}, false, false, {}, {}};
    r.message = std::move(text);
    return r;
  }
  static Routed deferred(std::string text) {
    Routed r{defer, {}, false, false, {}, {}};
    r.message = std::move(text);
    return r;
  }
};

/// The parts of the context that belong to the address being routed.
class Address {
 public:
  Address(Context& c, const std::string& full) : c_(c), saved_(save(c)) {
    split_address(c, full);
    c.domain_data.reset();
    c.local_part_data.reset();
    c.router_variables.clear();
    c.address_data.reset();
  }
  ~Address() {
    auto data = c_.address_data;
    std::tie(c_.domain, c_.local_part, c_.caseful_local_part, c_.domain_data, c_.local_part_data, c_.router_variables,
             c_.address_data, c_.local_part_prefix, c_.local_part_suffix) = std::move(saved_);
    if (data) c_.address_data = std::move(data);
  }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;

 private:
  using Saved =
      std::tuple<std::string, std::string, std::string, std::optional<Text>, std::optional<Text>,
                 std::map<std::string, Text, std::less<>>, std::optional<std::string>, std::string, std::string>;
  static Saved save(const Context& c) {
    return {c.domain,           c.local_part,   c.caseful_local_part, c.domain_data,      c.local_part_data,
            c.router_variables, c.address_data, c.local_part_prefix,  c.local_part_suffix};
  }
  Context& c_;
  Saved saved_;
};

class Router {
 public:
  Router(Context& c, const Driver& driver, const VerifyOptions& options) : c_(c), d_(driver), options_(options) {}

  Routed run() {
    const auto before_local = c_.local_part;
    const auto before_caseful = c_.caseful_local_part;
    auto routed = preconditions();
    if (!routed) routed = drive();
    c_.local_part = before_local;
    c_.caseful_local_part = before_caseful;
    c_.local_part_prefix.clear();
    c_.local_part_suffix.clear();
    return *routed;
  }

 private:
  static Routed of(Routed::Kind kind) {
    Routed routed;
    routed.kind = kind;
    return routed;
  }

  /// A yes or no option that may be an expanded string.
  bool flag(std::string_view name, bool otherwise) {
    const auto* setting = d_.option(name);
    if (setting == nullptr) return otherwise;
    const auto text = expand(c_, setting->value);
    if (text.kind == Text::open) return c_.ask(text.why);
    return iequals(text.value, "true") || iequals(text.value, "yes") || text.value == "1";
  }

  /// nullopt where all hold.
  std::optional<Routed> preconditions() {
    if (!affixes()) return of(Routed::skip);
    const bool verifies = flag("verify", true) && flag(options_.sender ? "verify_sender" : "verify_recipient", true);
    if (!verifies) return of(Routed::skip);
    if (!flag("caseful_local_part", false))
      c_.local_part = to_lower(c_.local_part);
    else
      c_.local_part = c_.caseful_local_part;
    if (auto early = lists()) return early;
    if (flag("check_local_user", false) && !local_user()) return of(Routed::skip);
    if (const auto* home = d_.option("router_home_directory")) c_.home = expand(c_, home->value).value;
    if (auto early = senders_and_files()) return early;
    return condition();
  }

  std::optional<Routed> list_result(const Match& match) {
    if (match.answer == Answer::yes) return std::nullopt;
    if (match.answer == Answer::no) return of(Routed::skip);
    return Routed::deferred(match.why);
  }

  std::optional<Routed> lists() {
    if (const auto* domains = d_.option("domains")) {
      const auto match = match_domain(c_, c_.domain, domains->value);
      if (auto early = list_result(match)) return early;
      c_.domain_data = match.data;
    }
    if (const auto* parts = d_.option("local_parts")) {
      const auto letters = flag("caseful_local_part", false) ? Letters::kept : Letters::ignored;
      const auto match = match_local_part(c_, c_.local_part, parts->value, letters);
      if (auto early = list_result(match)) return early;
      c_.local_part_data = match.data;
    }
    return std::nullopt;
  }

  std::optional<Routed> senders_and_files() {
    if (const auto* senders = d_.option("senders"))
      if (auto early = list_result(match_address(c_, c_.sender, senders->value))) return early;
    const auto* files = d_.option("require_files");
    if (files == nullptr) return std::nullopt;
    const auto names = expand(c_, files->value);
    if (names.kind == Text::forced) return std::nullopt;
    if (names.kind == Text::open) return c_.ask(names.why) ? std::nullopt : std::optional(of(Routed::skip));
    if (!names.good()) return Routed::deferred(names.why);
    for (const auto& item : list_items(names.value)) {
      if (item.empty() || (item.front() != '/' && item.front() != '!')) continue;  // a user to look as
      const bool negated = item.front() == '!';
      const auto name = std::string(trim(std::string_view(item).substr(negated ? 1 : 0)));
      const auto there = c_.configuration.files->exists(name);
      if ((there ? *there : c_.ask("whether " + name + " is there")) == negated) return of(Routed::skip);
    }
    return std::nullopt;
  }

  std::optional<Routed> condition() {
    const auto* setting = d_.option("condition");
    if (setting == nullptr) return std::nullopt;
    const auto text = expand(c_, setting->value);
    if (text.kind == Text::forced) return of(Routed::skip);
    if (text.kind == Text::open) return c_.ask(text.why) ? std::nullopt : std::optional(of(Routed::skip));
    if (!text.good()) return Routed::deferred(text.why);
    const auto word = trim(text.value);
    const bool no = word.empty() || word == "0" || iequals(word, "no") || iequals(word, "false");
    return no ? std::optional(of(Routed::skip)) : std::nullopt;
  }

  /// local_part_prefix and local_part_suffix; false where a required one is not there.
  bool affixes() {
    for (const bool front : {true, false}) {
      const std::string option = front ? "local_part_prefix" : "local_part_suffix";
      const auto* setting = d_.option(option);
      if (setting == nullptr) setting = d_.option(front ? "prefix" : "suffix");
      if (setting == nullptr) continue;
      bool found = false;
      for (const auto& affix : list_items(expand(c_, setting->value).value)) {
        const auto length = affix_length(affix, front);
        if (length == 0 || length >= c_.caseful_local_part.size()) continue;
        take(length, front);
        found = true;
        break;
      }
      if (!found && !flag(option + "_optional", false)) return false;
    }
    return true;
  }

  std::size_t affix_length(const std::string& affix, bool front) const {
    const auto& part = c_.caseful_local_part;
    if (front && affix.starts_with('*')) {
      const auto at = part.find(affix.substr(1));
      return at == std::string::npos ? 0 : at + affix.size() - 1;
    }
    if (!front && affix.ends_with('*')) {
      const auto at = part.rfind(affix.substr(0, affix.size() - 1));
      return at == std::string::npos || at == 0 ? 0 : part.size() - at;
    }
    const bool yes = front ? istarts_with(part, affix) : iends_with(part, affix);
    return yes ? affix.size() : 0;
  }

  void take(std::size_t length, bool front) {
    auto& part = c_.caseful_local_part;
    (front ? c_.local_part_prefix : c_.local_part_suffix) =
        front ? part.substr(0, length) : part.substr(part.size() - length);
    part = front ? part.substr(length) : part.substr(0, part.size() - length);
    c_.local_part = to_lower(part);
  }

  bool local_user() {
    std::string why;
    const auto* file = c_.configuration.files->search("/etc/passwd", why);
    if (file == nullptr)
      return c_.local_part == "root" || c_.ask("whether " + printable(c_.local_part, 60) + " is a user of the server");
    const auto at = file->first.find(c_.local_part);
    if (at == file->first.end()) return false;
    const auto fields = split(file->entries[at->second].data, ':');
    if (fields.size() > 4) c_.home = std::string(fields[4]);
    c_.local_part_data = Text{Text::ok, c_.local_part, {}, false};
    return true;
  }

  /// Everything holds: the router's own work.
  Routed drive() {
    if (const auto* data = d_.option("address_data")) {
      const auto text = expand(c_, data->value);
      if (text.kind == Text::forced) return of(Routed::decline);
      if (!text.good() && text.kind != Text::open) return Routed::deferred(text.why);
      c_.address_data = text.value;
    }
    const auto driver = d_.text("driver");
    if (driver == "accept") return of(Routed::ok);
    if (driver == "redirect") return redirect();
    if (driver == "dnslookup") return by_dns();
    if (driver == "manualroute") return manual();
    if (driver == "ipliteral") return literal();
    if (c_.ask("what the " + printable(driver, 40) + " router \"" + d_.name + "\" says")) return of(Routed::ok);
    return of(Routed::decline);
  }

  Routed remote() {
    auto routed = of(Routed::ok);
    routed.remote = true;
    return routed;
  }

  Routed looped() {
    auto routed = Routed::deferred(d_.text("driver") == "dnslookup" ? "lowest numbered MX record points to local host"
                                                                    : "remote host address is the local host");
    routed.pass_message = true;
    return routed;
  }

  /// The best host is this server.
  Routed itself() {
    const auto setting = d_.text("self");
    const auto option = trim(setting);
    if (option.empty() || option == "freeze" || option == "defer") return looped();
    if (option == "send") return remote();
    if (option == "pass") return of(Routed::pass);
    if (option == "decline") return of(Routed::decline);
    if (option.starts_with("reroute")) {
      auto domain = trim(option.substr(option.find(':') + 1));
      if (domain.starts_with("rewrite:")) domain = trim(domain.substr(8));
      auto routed = of(Routed::reroute);
      routed.children = {quote_local_part(c_.caseful_local_part) + "@" + std::string(domain)};
      return routed;
    }
    return Routed::failed("remote host address is the local host");
  }

  Routed by_dns() {
    MailHostRules rules;
    rules.ignore = d_.text("ignore_target_hosts");
    if (const auto* domains = d_.option("mx_domains"))
      rules.mx_only = match_domain(c_, c_.domain, domains->value).answer == Answer::yes;
    const auto hosts = mail_hosts(c_, c_.domain, rules);
    if (hosts.null_mx) return Routed::failed("an MX or SRV record indicated no SMTP service");
    switch (hosts.state) {
      case DnsResult::unsure:
        return c_.ask("where DNS sends mail for " + printable(c_.domain, 80)) ? remote() : of(Routed::decline);
      case DnsResult::absent:
        return of(Routed::decline);
      case DnsResult::again:
        if (flag("pass_on_timeout", false)) return of(Routed::pass);
        return Routed::deferred("host lookup did not complete");
      case DnsResult::found:
        break;
    }
    if (flag("check_secondary_mx", false) && !hosts.local_first && !hosts.local_later) return of(Routed::decline);
    c_.self_hostname = hosts.local_first ? hosts.first_host : "";
    return hosts.local_first ? itself() : remote();
  }

  Routed literal() {
    if (!c_.domain.starts_with('[')) return of(Routed::decline);
    const auto address = IpAddress::parse(c_.domain);
    if (!address) return of(Routed::decline);
    const auto ignore = d_.text("ignore_target_hosts");
    if (!ignore.empty() && match_ip(c_, address->to_string(), ignore, Expanding::yes).answer == Answer::yes)
      return of(Routed::decline);
    return is_own_address(c_, address->to_string()) ? itself() : remote();
  }

  /// The hosts that route_list or route_data has for the domain; nullopt where it has none.
  std::optional<Text> route(Routed& early) {
    const bool listed = d_.option("route_list") != nullptr;
    if (!listed) return expand(c_, d_.text("route_data"));
    auto text = d_.text("route_list");
    const auto expanded_list = "<; " + text;
    for (const auto& rule : list_items(text.starts_with('<') ? text : expanded_list)) {
      const auto space = rule.find_first_of(" \t");
      const auto match = match_domain(c_, c_.domain, "<\n " + rule.substr(0, space), Expanding::yes);
      if (match.answer == Answer::no) continue;
      if (match.answer != Answer::yes) {
        early = Routed::deferred(match.why);
        return std::nullopt;
      }
      return expand(c_, space == std::string::npos ? "" : trim(std::string_view(rule).substr(space)));
    }
    return Text{Text::forced, {}, "no rule for the domain", false};
  }

  Routed manual() {
    Routed early;
    auto text = route(early);
    if (!text) return early;
    if (text->kind == Text::forced) return of(Routed::decline);
    if (text->kind == Text::open) return c_.ask(text->why) ? remote() : of(Routed::decline);
    if (!text->good()) return Routed::deferred(text->why);
    auto words = std::string(trim(text->value));
    if (words.empty() && d_.option("route_list") == nullptr) return of(Routed::decline);
    if (words.starts_with('"'))
      words = words.substr(1, words.find('"', 1) - 1);
    else
      words = words.substr(0, words.find_first_of(" \t") == std::string::npos || words.find(':') != std::string::npos
                                  ? std::string::npos
                                  : words.find_first_of(" \t"));
    return manual_hosts(words);
  }

  Routed manual_hosts(const std::string& words) {
    const auto hosts = list_items(words);
    if (hosts.empty()) return of(Routed::ok);  // a local transport
    for (const auto& one : hosts) {
      auto name = one.substr(0, one.find_first_of(" \t"));
      const bool by_mx = name.ends_with("/mx") || name.ends_with("/MX");
      name = name.substr(0, name.find('/'));
      if (const auto double_colon = name.find("::"); double_colon != std::string::npos)
        name = name.substr(0, double_colon);
      else if (std::count(name.begin(), name.end(), ':') == 1)
        name = name.substr(0, name.find(':'));
      if (by_mx) return c_.ask("the mail exchangers of " + name) ? remote() : of(Routed::decline);
      const auto addresses = addresses_of(c_, name);
      if (addresses.state == DnsResult::unsure)
        return c_.ask("the addresses of " + printable(name, 80)) ? remote() : host_missing(name);
      if (addresses.state == DnsResult::absent) {
        if (trim(d_.text("host_find_failed")) == "ignore") continue;
        return host_missing(name);
      }
      if (addresses.state == DnsResult::again) return Routed::deferred("host lookup for " + name + " did not complete");
      for (const auto& address : addresses.list)
        if (is_own_address(c_, address.to_string())) return itself();
      return remote();
    }
    return of(Routed::decline);
  }

  Routed host_missing(const std::string& name) {
    const auto setting = d_.text("host_find_failed");
    const auto option = trim(setting);
    if (option == "pass") return of(Routed::pass);
    if (option == "decline") return of(Routed::decline);
    if (option == "fail") return Routed::failed("unknown host \"" + name + "\"");
    return Routed::deferred("lookup of host \"" + name + "\" failed in " + d_.name + " router");
  }

  Routed redirect() {
    Text data;
    if (const auto* setting = d_.option("data")) {
      data = expand(c_, setting->value);
    } else {
      const auto name = expand(c_, d_.text("file"));
      if (!name.good()) return c_.ask(name.why) ? of(Routed::ok) : of(Routed::decline);
      if (name.tainted) return Routed::deferred("tainted filename");
      std::string why;
      const auto* text = c_.configuration.files->text(name.value, why);
      const auto there = c_.configuration.files->exists(name.value);
      if (text == nullptr && there && !*there) return of(Routed::decline);
      if (text == nullptr)
        return c_.ask("what " + printable(name.value, 100) + " holds") ? of(Routed::ok) : of(Routed::decline);
      data.value = *text;
    }
    if (data.kind == Text::forced) return of(Routed::decline);
    if (data.kind == Text::open) return c_.ask(data.why) ? of(Routed::ok) : of(Routed::decline);
    if (!data.good()) return Routed::deferred(data.why);
    return redirected(read_redirection(data.value, d_, c_));
  }

  Routed redirected(Redirection r) {
    Routed routed;
    switch (r.kind) {
      case Redirection::none:
        return of(Routed::decline);
      case Redirection::blackhole:
        return of(Routed::ok);
      case Redirection::fail:
        routed = Routed::failed(r.text);
        break;
      case Redirection::defer:
        routed = Routed::deferred(r.text);
        break;
      case Redirection::broken:
        return Routed::deferred(r.text);
      case Redirection::filter:
        return c_.ask("what the filter of router \"" + d_.name + "\" does") ? of(Routed::ok) : of(Routed::decline);
      case Redirection::list:
        routed.kind = Routed::redirect;
        routed.children = std::move(r.addresses);
        break;
    }
    routed.pass_message = r.kind == Redirection::fail || r.kind == Redirection::defer;
    return routed;
  }

  Context& c_;
  const Driver& d_;
  const VerifyOptions& options_;
};

class Verifier {
 public:
  Verifier(Context& c, const VerifyOptions& options) : c_(c), options_(options) {}

  Verification run(const std::string& address) {
    if (++redirections_ > max_redirections)
      return {Answer::defer, "too many \"redirect\" levels", false, "redirections"};
    const Level level(c_);
    if (!level.fine()) return {Answer::defer, {}, false, "too much work"};
    const Address current(c_, address);
    const auto& routers = c_.configuration.routers;
    std::string cannot_route;
    for (std::size_t at = 0; at < routers.size(); ++at) {
      const auto& driver = routers[at];
      if (skipped_by_loop(driver, address)) continue;
      auto routed = Router(c_, driver, options_).run();
      if (routed.kind == Routed::skip) continue;
      if (const auto* text = driver.option("cannot_route_message")) cannot_route = expand(c_, text->value).value;
      if (routed.kind == Routed::ok && driver.flag("unseen", false) && !fails_verify(driver)) continue;
      if (routed.kind == Routed::decline || routed.kind == Routed::pass) {
        if (routed.kind == Routed::decline) {
          const auto go_on = more(driver);
          if (go_on == Answer::defer) return {Answer::defer, {}, false, "\"more\" of router " + driver.name};
          if (go_on == Answer::no) break;
        }
        if (routed.kind == Routed::pass && driver.option("pass_router") != nullptr)
          at = index_of(driver.text("pass_router")) - 1;
        continue;
      }
      return finish(driver, std::move(routed), address);
    }
    return {Answer::no, cannot_route.empty() ? "Unrouteable address" : cannot_route, !cannot_route.empty(),
            "no router takes it"};
  }

 private:
  std::size_t index_of(const std::string& name) const {
    const auto& routers = c_.configuration.routers;
    const auto it = std::find_if(routers.begin(), routers.end(), [&](const Driver& d) { return d.name == name; });
    return static_cast<std::size_t>(it - routers.begin());
  }

  Answer more(const Driver& driver) {
    const auto* setting = driver.option("more");
    if (setting == nullptr) return Answer::yes;
    const auto text = expand(c_, setting->value);
    if (text.kind == Text::open) return c_.ask(text.why) ? Answer::yes : Answer::no;
    if (iequals(text.value, "true") || iequals(text.value, "yes")) return Answer::yes;
    return iequals(text.value, "false") || iequals(text.value, "no") ? Answer::no : Answer::defer;
  }

  /// A router does not see an address again that it made of itself.
  bool skipped_by_loop(const Driver& driver, const std::string& address) const {
    return std::find(seen_.begin(), seen_.end(), std::pair(driver.name, to_lower(address))) != seen_.end();
  }

  bool fails_verify(const Driver& driver) const {
    return driver.flag("fail_verify", false) ||
           driver.flag(options_.sender ? "fail_verify_sender" : "fail_verify_recipient", false);
  }

  Verification finish(const Driver& driver, Routed routed, const std::string& address) {
    const auto why = "router " + driver.name;
    switch (routed.kind) {
      case Routed::fail:
        return {Answer::no, routed.message.empty() ? "Unrouteable address" : routed.message, routed.pass_message, why};
      case Routed::defer:
        return {Answer::defer, routed.message, routed.pass_message, why};
      case Routed::redirect:
      case Routed::reroute:
        if (fails_verify(driver)) break;
        return follow(driver, std::move(routed), address);
      default:
        break;
    }
    if (fails_verify(driver)) return {Answer::no, "Unrouteable address", false, why + " (fail_verify)"};
    if (options_.callout && routed.remote &&
        !c_.ask("what the next host says to a callout for " + printable(address, 80)))
      return {Answer::no, {}, false, "assumed callout failure"};
    return {Answer::yes, {}, false, why};
  }

  Verification follow(const Driver& driver, Routed routed, const std::string& address) {
    if (routed.kind == Routed::redirect && (routed.children.size() != 1 || options_.success_on_redirect))
      return {Answer::yes, {}, false, "router " + driver.name};
    const auto& child = routed.children.front();
    if (child.starts_with('|') || child.starts_with('/') || child.starts_with("\\"))
      return {Answer::yes, {}, false, "router " + driver.name};
    seen_.emplace_back(driver.name, to_lower(address));
    return run(child);
  }

  Context& c_;
  const VerifyOptions& options_;
  std::vector<std::pair<std::string, std::string>> seen_;
  unsigned redirections_ = 0;
};

}  // namespace

void split_address(Context& c, const std::string& address) {
  const auto path = parse_path(address, {.literals = true, .unqualified = true});
  c.domain = to_lower(path.good() ? path.domain : domain_part(address));
  c.caseful_local_part = path.good() ? path.local_part : local_part_part(address);
  const auto hack = c.configuration.text("percent_hack_domains");
  for (int round = 0; round < 10 && !hack.empty(); ++round) {
    const auto percent = c.caseful_local_part.rfind('%');
    if (percent == std::string::npos || match_domain(c, c.domain, hack).answer != Answer::yes) break;
    c.domain = to_lower(c.caseful_local_part.substr(percent + 1));
    c.caseful_local_part.resize(percent);
  }
  c.local_part = to_lower(c.caseful_local_part);
}

Verification verify_address(Context& c, const std::string& address, const VerifyOptions& options) {
  return Verifier(c, options).run(address);
}

}  // namespace smtpdx::mta::exim
