#include "service/config.h"

#include <charconv>
#include <fstream>
#include <iterator>

#include <unistd.h>

#include <fmt/format.h>

#include "base/json.h"
#include "base/time.h"
#include "base/yaml.h"

namespace fairlead::service {
namespace {

template <class Number>
bool read_whole(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

}  // namespace

Config Config::from_process() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view pair = *entry;
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos) environment.emplace(pair.substr(0, equals), pair.substr(equals + 1));
  }
  const auto named = environment.find("CONFIG_FILE");
  if (named == environment.end()) return Config(std::move(environment));
  const std::string path = named->second;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto documents = parse_yaml(text, path);  // JSON is YAML too.
  Value tree = documents && documents->size() == 1 ? std::move(documents->front()) : Value();
  Config config(std::move(environment), tree, path);
  if (!file.is_open()) config.reject("CONFIG_FILE", fmt::format("{} cannot be read", path));
  if (!documents) config.problems_.push_back(documents.error().to_string());
  return config;
}

Config::Config(Environment environment, const Value& file, std::string file_name)
    : environment_(std::move(environment)), file_name_(std::move(file_name)) {
  read_.insert("CONFIG_FILE");
  for (const Member& member : file.members()) {
    const Value& value = member.value;
    if (value.is_object() || value.is_array()) {
      problems_.push_back(value.error(fmt::format("{} must be a plain value", member.key), file_name_).to_string());
      continue;
    }
    file_[member.key] = value.is_string() ? std::string(value.str()) : to_json(value);
    file_lines_[member.key] = value.line();
  }
}

const std::string* Config::raw(std::string_view name) {
  read_.emplace(name);
  if (const auto found = environment_.find(name); found != environment_.end()) return &found->second;
  if (const auto found = file_.find(name); found != file_.end()) return &found->second;
  return nullptr;
}

void Config::reject(std::string_view name, std::string_view why) {
  const auto line = file_lines_.find(name);
  const bool from_file = line != file_lines_.end() && !environment_.contains(name);
  const std::string place = from_file ? fmt::format("{}:{}: ", file_name_, line->second) : "";
  problems_.push_back(fmt::format("{}{}: {}", place, name, why));
}

std::string Config::text(std::string_view name, std::string_view otherwise) {
  const std::string* found = raw(name);
  return found != nullptr ? *found : std::string(otherwise);
}

std::int64_t Config::integer(std::string_view name, std::int64_t otherwise, std::int64_t least, std::int64_t most) {
  const std::string* found = raw(name);
  if (found == nullptr) return otherwise;
  std::int64_t value = 0;
  if (read_whole(*found, value) && value >= least && value <= most) return value;
  reject(name, fmt::format("\"{}\" is not a whole number from {} to {}", *found, least, most));
  return otherwise;
}

double Config::number(std::string_view name, double otherwise, double least, double most) {
  const std::string* found = raw(name);
  if (found == nullptr) return otherwise;
  double value = 0;
  if (read_whole(*found, value) && value >= least && value <= most) return value;
  reject(name, fmt::format("\"{}\" is not a number from {} to {}", *found, least, most));
  return otherwise;
}

std::chrono::milliseconds Config::duration(std::string_view name, std::chrono::milliseconds otherwise) {
  const std::string* found = raw(name);
  if (found == nullptr) return otherwise;
  const auto value = parse_duration(*found);
  if (value && value->count() >= 0) return *value;
  reject(name, fmt::format("\"{}\" is not a duration such as 500ms or 1m30s", *found));
  return otherwise;
}

std::chrono::milliseconds Config::milliseconds(std::string_view name, std::int64_t otherwise, std::int64_t most) {
  return std::chrono::milliseconds(integer(name, otherwise, 0, most));
}

Result<> Config::check() const {
  std::vector<std::string> all = problems_;
  for (const auto& [name, value] : file_) {
    if (!read_.contains(name))
      all.push_back(fmt::format("{}:{}: {} is no setting of this service", file_name_, file_lines_.at(name), name));
  }
  // A misspelt fault would be a rehearsal that tests nothing.
  for (auto it = environment_.lower_bound("FAULT_"); it != environment_.end() && it->first.starts_with("FAULT_");
       ++it) {
    if (!read_.contains(it->first)) all.push_back(fmt::format("{}: no such setting", it->first));
  }
  if (all.empty()) return {};
  std::string joined;
  for (const std::string& problem : all) joined += (joined.empty() ? "" : "\n") + problem;
  return fail("{}", joined);
}

}  // namespace fairlead::service
