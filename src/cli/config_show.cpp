// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"
#include "cli/config_verbs.hpp"
#include "mta/postfix/effective.hpp"
#include "render/json_writer.hpp"

namespace smtpdx::cli {
namespace {

using mta::postfix::EffectiveService;
using mta::postfix::EffectiveSetting;

std::string text_of(const std::vector<EffectiveService>& services) {
  std::string out;
  for (const auto& service : services) {
    out += printable(service.name, 80) + " (" + service.where.to_string() + ")" +
           (service.port != 0 ? ", port " + std::to_string(service.port) : "") + "\n";
    for (const auto& setting : service.settings)
      out += "  " + setting.name + " = " + printable(fold_space(setting.value), 400) + "  [" +
             setting.where.to_string() + (setting.of_service ? ", this service only" : "") + "]\n";
  }
  return out;
}

void one_setting(render::JsonWriter& json, const EffectiveSetting& setting) {
  json.open('{');
  json.key("name").text(setting.name);
  json.key("value").text(setting.value);
  json.key("default").boolean(setting.where.built_in());
  json.key("service_only").boolean(setting.of_service);
  json.key("file").text_or_null(setting.where.file);
  json.key("line");
  if (setting.where.built_in())
    json.null();
  else
    json.number(setting.where.line);
  json.close('}');
}

std::string json_of(const std::vector<EffectiveService>& services) {
  std::string out;
  render::JsonWriter json(out);
  json.open('{');
  json.key("schema").text("smtpdx.config-show/1");
  json.key("services").open('[');
  for (const auto& service : services) {
    json.open('{');
    json.key("name").text(service.name);
    json.key("port").number(service.port);
    json.key("settings").open('[');
    for (const auto& setting : service.settings) one_setting(json, setting);
    json.close(']');
    json.close('}');
  }
  json.close(']');
  json.close('}');
  return out + "\n";
}

}  // namespace

Exit config_show(const ConfigOptions& o) {
  const auto configuration = load_postfix(o.target, o);
  if (!configuration) return complain(configuration.error());
  const bool json = o.output.json || o.output.format == "json";
  const auto services = mta::postfix::effective_services(*configuration, json || o.output.verbose);
  print(json ? json_of(services) : text_of(services));
  return Exit::fine;
}

}  // namespace smtpdx::cli
