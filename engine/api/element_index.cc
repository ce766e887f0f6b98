#include "engine/api/element_index.h"

#include <utility>

#include "base/json_shape.h"

namespace fairlead::api {

std::optional<std::string> element_identity(const Value& element, std::string_view merge_key) {
  if (merge_key.empty() || !element.is_object()) return "value " + canonical_json(element);
  const Value* key = element.find(merge_key);
  if (key == nullptr) return std::nullopt;
  return "key " + canonical_json(*key);
}

std::optional<std::string> element_identity(const Value& element, const Type& type) {
  auto out = element_identity(element, type.merge_key);
  if (!out || !element.is_object()) return out;
  for (const auto& name : type.list_keys) {
    const Value* key = element.find(name);
    const Field* field = type.element->field(name);
    out->append(" ");
    out->append(canonical_json(key != nullptr ? *key : field != nullptr ? field->preset : Value()));
  }
  return out;
}

ElementIndex::ElementIndex(const Value::Array& list, Identity identity) : identity_(std::move(identity)) {
  for (const Value& element : list) append(element);
}

ElementIndex::ElementIndex(const Value::Array& list, std::string_view merge_key)
    : ElementIndex(list,
                   [key = std::string(merge_key)](const Value& element) { return element_identity(element, key); }) {}

void ElementIndex::append(const Value& element) {
  const std::size_t place = size_++;
  if (auto identity = identity_(element))
    ++found_.try_emplace(*std::move(identity), Found{place, 0}).first->second.count;
}

std::optional<std::size_t> ElementIndex::first(const Value& element) const {
  const auto identity = identity_(element);
  const auto at = identity ? found_.find(*identity) : found_.end();
  return at == found_.end() ? std::nullopt : std::optional(at->second.first);
}

std::size_t ElementIndex::count(const Value& element) const {
  const auto identity = identity_(element);
  const auto at = identity ? found_.find(*identity) : found_.end();
  return at == found_.end() ? 0 : at->second.count;
}

}  // namespace fairlead::api
