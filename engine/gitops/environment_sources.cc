#include "engine/gitops/environment_sources.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include <fmt/ranges.h>

#include "base/hash.h"
#include "base/yaml.h"
#include "engine/gitops/environment_rule.h"

namespace fairlead::gitops {
namespace {

namespace fs = std::filesystem;

struct Read {
  Source source;
  std::string hash;
  std::vector<Error> errors;
};

std::string environment_file(const std::string& name) { return "infrastructure/environments/" + name + ".yaml"; }

Read read(const std::string& root, const std::string& file, const DocumentRule& rule) {
  Read out{.source = {.file = file, .document = {}}, .hash = {}, .errors = {}};
  std::ifstream in(root + "/" + file);
  if (!in) {
    out.errors.push_back(Error{"there is no such file", file});
    return out;
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  out.hash = sha256_hex(text);
  auto documents = parse_yaml(text, file);
  if (!documents) {
    out.errors.push_back(documents.error());
  } else if (documents->size() != 1) {
    out.errors.push_back(Error{fmt::format("one document is expected, {} found", documents->size()), file});
  } else {
    out.source.document = std::move(documents->front());
    out.errors = check_document(rule, out.source.document, file);
  }
  return out;
}

/// Takes `file` among what the result depends on.
Source depend_on(EnvironmentSources& sources, Read file) {
  sources.hashes.set(file.source.file, file.hash);
  std::ranges::move(file.errors, std::back_inserter(sources.errors));
  return std::move(file.source);
}

void read_needs(EnvironmentSources& sources, const std::string& root, const std::string& environment) {
  const Source& of = *sources.environment(environment);
  auto& needs = sources.needs[environment];
  for (const Member& service : of.document.at("services").members()) {
    Read file = read(root, "infrastructure/apps/" + service.key + "/needs.yaml", needs_rule());
    if (file.hash.empty()) {
      sources.errors.push_back(
          of.error(service.value, fmt::format("service {} has no {}", service.key, file.source.file)));
      continue;
    }
    if (sources.hashes.has(file.source.file)) file.errors.clear();  // Said already.
    needs[service.key] = depend_on(sources, std::move(file));
  }
}

}  // namespace

const Source* EnvironmentSources::environment(std::string_view other) const {
  if (other == name) return &own;
  const auto it = others.find(std::string(other));
  return it == others.end() ? nullptr : &it->second;
}

std::vector<std::string> EnvironmentSources::spokes() const {
  std::vector<std::string> out;
  if (own.document.at("hub", "ref").str() != name) return out;
  out.push_back(name);
  for (const auto& [other, source] : others) {
    if (source.document.at("hub", "ref").str() == name) out.push_back(other);
  }
  std::ranges::sort(out);
  return out;
}

EnvironmentSources read_environment(const std::string& root, const std::string& name) {
  EnvironmentSources sources{.name = name, .own = {}, .others = {}, .needs = {}, .errors = {}};
  sources.own = depend_on(sources, read(root, environment_file(name), environment_rule()));
  if (sources.own.document.is_null()) return sources;
  const std::string_view hub = sources.own.document.at("hub", "ref").str();
  const std::string_view registry = sources.own.document.at("registry", "ref").str();
  if (hub == name || registry == name) {  // One that comes shares them.
    sources.hashes.set(environment_file("*"), sha256_hex(fmt::format("{}", fmt::join(environments(root), "\n"))));
  }
  for (const std::string& other : environments(root)) {
    if (other == name) continue;
    Read file = read(root, environment_file(other), environment_rule());
    const bool shares = (hub == name && file.source.document.at("hub", "ref").str() == name) ||
                        (registry == name && file.source.document.at("registry", "ref").str() == name);
    if (other == hub || other == registry || shares) {
      sources.others[other] = depend_on(sources, std::move(file));
    } else if (file.errors.empty()) {
      sources.others[other] = std::move(file.source);
    }
  }
  read_needs(sources, root, name);
  for (const std::string& spoke : sources.spokes()) {
    if (spoke != name) read_needs(sources, root, spoke);
  }
  return sources;
}

std::vector<std::string> environments(const std::string& root) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root + "/infrastructure/environments", error)) {
    if (entry.path().extension() == ".yaml") out.push_back(entry.path().stem());
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace fairlead::gitops
