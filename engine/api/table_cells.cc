#include "engine/api/table_cells.h"

#include <algorithm>
#include <vector>

#include "base/json.h"
#include "engine/api/selector.h"

namespace fairlead::api::table {
namespace {

std::string joined_field(const Value& containers, std::string_view field) {
  std::string out;
  for (const auto& container : containers.items()) {
    if (&container != &containers.items().front()) out += ',';
    out += container.at(field).str();
  }
  return out;
}

}  // namespace

std::string since(const Value& timestamp, Time now) {
  const auto then = parse_time(timestamp.str());
  if (!then) return "<unknown>";
  return human_duration(now - *then);
}

std::string age(const Value& object, Time now) { return since(object.at("metadata", "creationTimestamp"), now); }

std::string_view name(const Value& object) { return object.at("metadata", "name").str(); }

std::string or_else(std::string_view text, std::string_view otherwise) {
  return std::string(text.empty() ? otherwise : text);
}

std::int64_t count(const Value& number) { return number.int_or(0); }

std::string format_labels(const Value& map) {
  std::vector<std::string> pairs;
  for (const auto& member : map.members()) pairs.push_back(member.key + "=" + std::string(member.value.str()));
  if (pairs.empty()) return "<none>";
  std::ranges::sort(pairs);
  return fmt::format("{}", fmt::join(pairs, ","));
}

std::string format_selector(const Value& selector) {
  const auto parsed = Selector::from_label_selector(selector);
  if (!parsed) return "<error>";
  return or_else(parsed->to_string(), "<none>");
}

std::string join(const Value& array, std::string_view separator) {
  std::string out;
  for (const auto& item : array.items()) {
    if (&item != &array.items().front()) out += separator;
    out += item.str();
  }
  return out;
}

const Value& condition(const Value& object, std::string_view type) {
  for (const auto& item : object.at("status", "conditions").items()) {
    if (item.at("type").str() == type) return item;
  }
  static const Value none;
  return none;
}

bool condition_is_true(const Value& object, std::string_view type) {
  return condition(object, type).at("status").str() == "True";
}

std::string container_names(const Value& pod_spec) { return joined_field(pod_spec.at("containers"), "name"); }

std::string container_images(const Value& pod_spec) { return joined_field(pod_spec.at("containers"), "image"); }

std::string text_of(const Value& value) { return value.is_string() ? std::string(value.str()) : to_json(value); }

}  // namespace fairlead::api::table
