#include "engine/edge/edge_files.h"

#include <array>
#include <string_view>

// A file as it stands in the source tree, put into the program by the assembler.
#define FAIRLEAD_EMBED(symbol, file)              \
  asm(".pushsection .rodata\n"                    \
      ".global fairlead_edge_" #symbol            \
      "\n"                                        \
      "fairlead_edge_" #symbol                    \
      ":\n"                                       \
      ".incbin \"" FAIRLEAD_NGINX_FILES "/" file  \
      "\"\n"                                      \
      ".global fairlead_edge_" #symbol            \
      "_end\n"                                    \
      "fairlead_edge_" #symbol                    \
      "_end:\n"                                   \
      ".byte 0\n"                                 \
      ".popsection\n");                           \
  extern "C" const char fairlead_edge_##symbol[]; \
  extern "C" const char fairlead_edge_##symbol##_end[]

FAIRLEAD_EMBED(nginx_conf, "nginx.conf");
FAIRLEAD_EMBED(server_conf, "server.conf");
FAIRLEAD_EMBED(modsecurity_conf, "modsecurity.conf");
FAIRLEAD_EMBED(edge_lua, "edge.lua");
FAIRLEAD_EMBED(admin_lua, "admin.lua");
FAIRLEAD_EMBED(filters_lua, "filters.lua");
FAIRLEAD_EMBED(json_lua, "json.lua");

namespace fairlead::edge {
namespace {

using Words = std::array<std::pair<std::string_view, std::string>, 11>;

std::string fill_in(std::string text, const Words& words) {
  for (const auto& [word, meaning] : words) {
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + meaning.size())) {
      text.replace(at, word.size(), meaning);
    }
  }
  return text;
}

/// Directives that change rules which are there already.
std::string exclusion_lines(const WafSettings& waf) {
  std::string out;
  for (const WafExclusion& one : waf.exclusions) {
    const char* variable = one.in == "cookie" ? "REQUEST_COOKIES" : one.in == "header" ? "REQUEST_HEADERS" : "ARGS";
    out += fmt::format("SecRuleUpdateTargetById {} \"!{}:{}\"\n", one.rule, variable, one.name);
  }
  return out;
}

}  // namespace

WafSettings waf_settings(const Value& environment) {
  const Value& waf = environment.at("edge", "waf");
  WafSettings out;
  out.prevention = waf.at("mode").string_or("prevention") == "prevention";
  for (const Value& one : waf.at("exclusions").items()) {
    out.exclusions.push_back(
        {std::string(one.at("rule").str()), std::string(one.at("in").str()), std::string(one.at("name").str())});
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> edge_files(const EdgeSettings& settings) {
  const Words words = {
      {{"@CONFIG@", settings.config_dir},
       {"@STATE@", settings.state_dir},
       {"@ADDRESS@", settings.address},
       {"@ADMIN_PORT@", fmt::format("{}", settings.admin_port)},
       {"@METRICS_PORT@", fmt::format("{}", settings.metrics_port)},
       {"@TIMEOUT@", fmt::format("{}", std::chrono::duration<double>(settings.default_timeout).count())},
       {"@WORKERS@", fmt::format("{}", settings.workers)},
       {"@USER@", settings.user.empty() ? "" : fmt::format("user {};", settings.user)},
       {"@NODE@", settings.node_address},
       {"@ENGINE@", settings.waf.prevention ? "On" : "DetectionOnly"},
       {"@EXCLUSIONS@", exclusion_lines(settings.waf)}}};
  return {{"nginx.conf", fill_in({fairlead_edge_nginx_conf, fairlead_edge_nginx_conf_end}, words)},
          {"server.conf", fill_in({fairlead_edge_server_conf, fairlead_edge_server_conf_end}, words)},
          {"modsecurity.conf", fill_in({fairlead_edge_modsecurity_conf, fairlead_edge_modsecurity_conf_end}, words)},
          {"edge.lua", {fairlead_edge_edge_lua, fairlead_edge_edge_lua_end}},
          {"filters.lua", {fairlead_edge_filters_lua, fairlead_edge_filters_lua_end}},
          {"admin.lua", {fairlead_edge_admin_lua, fairlead_edge_admin_lua_end}},
          {"json.lua", {fairlead_edge_json_lua, fairlead_edge_json_lua_end}}};
}

Value edge_config_map(const EdgeSettings& settings) {
  Value data;
  for (auto& [name, content] : edge_files(settings)) data.set(name, std::move(content));
  return Value::object({{"apiVersion", "v1"},
                        {"kind", "ConfigMap"},
                        {"metadata", Value::object({{"name", "edge"}, {"namespace", "gateway"}})},
                        {"data", std::move(data)}});
}

}  // namespace fairlead::edge
