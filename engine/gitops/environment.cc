#include "engine/gitops/environment.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/hash.h"
#include "base/yaml.h"

namespace fairlead::gitops {
namespace {

namespace fs = std::filesystem;
using Type = DocumentRule::Type;

constexpr std::string_view kApiVersion = "fairlead.dev/v1";
constexpr std::string_view kNamePattern = "[a-z]([a-z0-9-]{0,22}[a-z0-9])?";

DocumentRule api_version() {
  return {.type = Type::kString,
          .about = "Version of this file's format.",
          .required = true,
          .choices = {std::string(kApiVersion)}};
}

DocumentRule names(std::string about) {
  return {.type = Type::kList,
          .about = std::move(about),
          .otherwise = Value::array(),
          .items = {{.type = Type::kString, .about = {}, .pattern = std::string(kNamePattern)}}};
}

struct Source {
  std::string file;  ///< Relative to the root.
  Value document;
};

/// Reads sources, remembers their hashes, and collects what is wrong with them.
class Reader {
 public:
  explicit Reader(std::string root) : root_(std::move(root)) {}

  std::optional<Source> read(const std::string& file, const DocumentRule& rule) {
    std::ifstream in(root_ + "/" + file);
    if (!in) {
      errors.push_back(Error{"there is no such file", file});
      return std::nullopt;
    }
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    hashes.set(file, sha256_hex(text));
    auto documents = parse_yaml(text, file);
    if (!documents) {
      errors.push_back(documents.error());
      return std::nullopt;
    }
    if (documents->size() != 1) {
      errors.push_back(Error{fmt::format("one document is expected, {} found", documents->size()), file});
      return std::nullopt;
    }
    Source out{file, std::move(documents->front())};
    std::ranges::move(check_document(rule, out.document, file), std::back_inserter(errors));
    return out;
  }

  std::vector<Error> errors;
  Value hashes = Value::object();

 private:
  std::string root_;
};

/// Services named by `calls` must be in the same environment.
void check_calls(const Source& needs, const Value& services, std::vector<Error>& errors) {
  for (const Value& callee : needs.document.at("calls").items()) {
    if (services.has(callee.str())) continue;
    errors.push_back(
        callee.error(fmt::format("calls {}, which is not a service of this environment", callee.str()), needs.file));
  }
}

}  // namespace

const DocumentRule& environment_rule() {
  static const DocumentRule kRule{
      .type = Type::kObject,
      .about = "Places and sizes of one environment.",
      .members = {{"apiVersion", api_version()},
                  {"environment",
                   {.type = Type::kObject,
                    .about = "Which environment this is.",
                    .required = true,
                    .members = {{"name",
                                 {.type = Type::kString,
                                  .about = "The file's name.",
                                  .required = true,
                                  .pattern = std::string(kNamePattern)}},
                                {"class",
                                 {.type = Type::kString,
                                  .about = "How careful to be.",
                                  .required = true,
                                  .choices = {"sandbox", "nonprod", "prod"}}},
                                {"expires",
                                 {.type = Type::kString,
                                  .about = "Day on which a sandbox may be taken down.",
                                  .pattern = "[0-9]{4}-[0-9]{2}-[0-9]{2}"}}}}},
                  {"services",
                   {.type = Type::kMap,
                    .about = "The services that run here.",
                    .required = true,
                    .pattern = std::string(kNamePattern),
                    .items = {{.type = Type::kObject,
                               .about = "One service.",
                               .members = {{"size",
                                            {.type = Type::kString,
                                             .about = "Its size.",
                                             .otherwise = "small",
                                             .choices = {"small", "medium", "large"}}}}}}}}}};
  return kRule;
}

const DocumentRule& needs_rule() {
  static const DocumentRule kRule{
      .type = Type::kObject,
      .about = "What a service needs in every environment.",
      .members = {{"apiVersion", api_version()},
                  {"kind", {.type = Type::kString, .about = "Always Needs.", .required = true, .choices = {"Needs"}}},
                  {"calls", names("Services that it calls.")},
                  {"egress",
                   {.type = Type::kList,
                    .about = "Host names outside the cluster that it calls.",
                    .otherwise = Value::array(),
                    .items = {{.type = Type::kString, .about = {}, .pattern = "[a-z0-9*]([a-z0-9.-]*[a-z0-9])?"}}}}}};
  return kRule;
}

std::expected<Value, std::vector<Error>> render_environment(const std::string& root, const std::string& name) {
  Reader reader(root);
  const std::string file = "infrastructure/environments/" + name + ".yaml";
  auto environment = reader.read(file, environment_rule());
  if (!environment) return std::unexpected(std::move(reader.errors));
  if (const Value& given = environment->document.at("environment", "name"); given.is_string() && given.str() != name) {
    reader.errors.push_back(
        given.error(fmt::format("environment.name is {}, but the file is called {}.yaml", given.str(), name), file));
  }
  Value services = Value::object();
  for (const Member& service : environment->document.at("services").members()) {
    auto needs = reader.read("infrastructure/apps/" + service.key + "/needs.yaml", needs_rule());
    if (!needs) continue;
    check_calls(*needs, environment->document.at("services"), reader.errors);
    Value out = service.value;
    out.set("calls", needs->document.at("calls")).set("egress", needs->document.at("egress"));
    services.set(service.key, std::move(out));
  }
  if (!reader.errors.empty()) return std::unexpected(std::move(reader.errors));
  return Value::object({{"apiVersion", kApiVersion},
                        {"kind", "Environment"},
                        {"sources", reader.hashes},
                        {"environment", environment->document.at("environment")},
                        {"services", std::move(services)}});
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
