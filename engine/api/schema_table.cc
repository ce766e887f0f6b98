// Reads the embedded table (format: schema/README.md) into types and resources.
#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <unordered_map>

#include "base/json.h"
#include "engine/api/schema_defaults.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

constexpr std::array<std::pair<std::string_view, Shape>, 17> kShapes{{
    {"any", Shape::kAny},
    {"raw", Shape::kRaw},
    {"object", Shape::kObject},
    {"map", Shape::kMap},
    {"array", Shape::kArray},
    {"string", Shape::kString},
    {"int32", Shape::kInt32},
    {"int64", Shape::kInt64},
    {"integer", Shape::kInteger},
    {"number", Shape::kNumber},
    {"boolean", Shape::kBoolean},
    {"bytes", Shape::kBytes},
    {"intorstring", Shape::kIntOrString},
    {"quantity", Shape::kQuantity},
    {"time", Shape::kTime},
    {"microtime", Shape::kMicroTime},
    {"duration", Shape::kDuration},
}};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t at = text.find(separator);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string> split_strings(std::string_view text) {
  std::vector<std::string> out;
  for (const std::string_view part : split(text, ',')) out.emplace_back(part);
  return out;
}

/// One pass over the lines; types may be named before they stand in the table.
class Loader {
 public:
  explicit Loader(Schema::Table& table) : table_(table) {}

  void load(std::string_view text) {
    types_.reserve(4096);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      if (end > 0 && text[0] != '#') read(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    finish();
  }

 private:
  [[noreturn]] void damaged(std::string_view why) const {
    throw std::runtime_error(fmt::format("engine/api/schema/table.txt:{}: {}; run tools/schema", line_, why));
  }

  void read(std::string_view line) {
    const std::vector<std::string_view> tokens = split(line, '\t');
    if (tokens.size() < 2) damaged("too few tokens");
    switch (line[0]) {
      case 'T':
        return read_type(tokens);
      case 'F':
        return read_field(tokens);
      case 'I':
        return read_inline(tokens);
      case 'R':
        return read_resource(tokens);
      case 'S':
        return read_subresource(tokens);
      case 'C':
        return read_column(tokens);
      case 'K':
        return read_message(tokens);
      default:
        damaged("unknown kind of line");
    }
  }

  Type* type_named(std::string_view name) {
    auto [at, added] = types_.try_emplace(name, nullptr);
    if (added) {
      at->second = &table_.types.emplace_back();
      at->second->name = name;
    }
    return at->second;
  }

  const Type* reference(std::string_view name) {
    if (const Type* scalar = scalar_type(name)) return scalar;
    return type_named(name);
  }

  std::int64_t number(std::string_view text) const {
    std::int64_t out = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc{}) damaged("not a number");
    return out;
  }

  Value json(std::string_view text) const {
    Result<Value> value = parse_json(text);
    if (!value) damaged(value.error().message);
    return *std::move(value);
  }

  void read_type(const std::vector<std::string_view>& tokens) {
    if (tokens.size() < 3) damaged("too few tokens");
    type_ = type_named(tokens[1]);
    type_->shape = shape_of(tokens[2]);
    defined_.push_back(type_);
    for (std::size_t i = 3; i < tokens.size(); ++i) {
      const std::size_t equals = tokens[i].find('=');
      const std::string_view key = tokens[i].substr(0, equals);
      const std::string_view value = equals == std::string_view::npos ? "" : tokens[i].substr(equals + 1);
      if (!read_structure(key, value)) read_limit(key, value);
    }
  }

  bool read_structure(std::string_view key, std::string_view value) {
    if (key == "of")
      type_->element = reference(value);
    else if (key == "list")
      type_->list = value == "map" ? ListType::kMap : value == "set" ? ListType::kSet : ListType::kAtomic;
    else if (key == "keys")
      type_->list_keys = split(value, ',');
    else if (key == "mergekey")
      type_->merge_key = value;
    else if (key == "atomic")
      type_->atomic = true;
    else if (key == "preserve")
      type_->preserve_unknown = true;
    else if (key == "embedded")
      type_->embedded = true;
    else if (key == "nullable")
      type_->nullable = true;
    else if (key == "patch") {
      type_->patch_merge = value.contains("merge");
      type_->patch_retain_keys = value.contains("retainKeys");
    } else {
      return false;
    }
    return true;
  }

  void read_limit(std::string_view key, std::string_view value) {
    if (!type_->limits) type_->limits = std::make_unique<Limits>();
    Limits& limits = *type_->limits;
    if (key == "enum")
      limits.enumeration = json(value);
    else if (key == "pattern")
      limits.pattern = value;
    else if (key == "format")
      limits.format = value;
    else if (key == "minlen")
      limits.min_length = number(value);
    else if (key == "maxlen")
      limits.max_length = number(value);
    else if (key == "minitems")
      limits.min_items = number(value);
    else if (key == "maxitems")
      limits.max_items = number(value);
    else if (key == "minprops")
      limits.min_properties = number(value);
    else if (key == "maxprops")
      limits.max_properties = number(value);
    else if (key == "min")
      limits.minimum = json(value);
    else if (key == "max")
      limits.maximum = json(value);
    else if (key == "multiple")
      limits.multiple_of = json(value);
    else if (key == "xmin")
      limits.exclusive_minimum = true;
    else if (key == "xmax")
      limits.exclusive_maximum = true;
    else if (key == "unique")
      limits.unique = true;
    else if (key == "oneof")
      limits.one_of = json(value);
    else if (key == "anyof")
      limits.any_of = json(value);
    else if (key == "allof")
      limits.all_of = json(value);
    else if (key == "not")
      limits.none_of = json(value);
    else if (key == "cel")
      limits.rules = json(value);
    else
      damaged(fmt::format("unknown attribute {}", key));
  }

  void read_field(const std::vector<std::string_view>& tokens) {
    if (type_ == nullptr || tokens.size() < 3) damaged("a field without a type");
    Field field;
    field.name = tokens[1];
    field.type = reference(tokens[2]);
    for (std::size_t i = 3; i < tokens.size(); ++i) {
      const std::string_view token = tokens[i];
      if (token == "!")
        field.required = true;
      else if (token == "o")
        field.omit_zero = type_->typed = true;
      else if (token == "e")
        field.emit_zero = type_->typed = true;
      else if (token == "n")
        field.emit_null = type_->typed = true;
      else if (token == "patch=retainKeys")
        field.retain_keys = true;
      else if (token == "patch=replace")
        field.patch_replace = true;
      else if (token.starts_with('@'))
        field.number = static_cast<std::uint32_t>(number(token.substr(1)));
      else if (token.starts_with('='))
        field.preset = json(token.substr(1));
      else
        damaged("unknown attribute of a field");
    }
    if (field.number != 0) type_->typed = true;
    type_->fields.push_back(std::move(field));
  }

  void read_inline(const std::vector<std::string_view>& tokens) {
    if (type_ == nullptr || tokens.size() < 3) damaged("an inline without a type");
    type_->inlines.push_back({type_named(tokens[1]), static_cast<std::uint32_t>(number(tokens[2].substr(1)))});
    type_->typed = true;
  }

  Resource* add_resource(std::string_view group, std::string_view version, std::string_view kind,
                         std::string_view type) {
    Resource& resource = table_.all.emplace_back();
    resource.ordinal = static_cast<std::uint32_t>(table_.all.size() - 1);
    resource.group = group;
    resource.version = version;
    resource.kind = kind;
    resource.type = type_named(type);
    resource.storage = &resource;
    return &resource;
  }

  void read_resource(const std::vector<std::string_view>& tokens) {
    if (tokens.size() < 8) damaged("too few tokens");
    resource_ = add_resource(tokens[1], tokens[2], tokens[3], tokens[7]);
    resource_->plural = tokens[4];
    resource_->singular = tokens[5];
    resource_->namespaced = tokens[6] == "namespaced";
    for (std::size_t i = 8; i < tokens.size(); ++i) {
      const std::size_t equals = std::min(tokens[i].find('='), tokens[i].size() - 1);
      const std::string_view key = tokens[i].substr(0, equals);
      const std::string_view value = tokens[i].substr(equals + 1);
      if (key == "verbs")
        resource_->verbs = split_strings(value);
      else if (key == "short")
        resource_->short_names = split_strings(value);
      else if (key == "categories")
        resource_->categories = split_strings(value);
      else if (key == "storage")
        storage_.emplace_back(resource_, value);
      else
        damaged("unknown attribute of a resource");
    }
  }

  void read_subresource(const std::vector<std::string_view>& tokens) {
    if (resource_ == nullptr || tokens.size() < 6) damaged("a subresource without a resource");
    resource_->subresources.push_back({std::string(tokens[1]), std::string(tokens[2]), std::string(tokens[3]),
                                       std::string(tokens[4]), split_strings(tokens[5])});
    if (tokens[1] == "status") resource_->has_status = true;
    if (tokens[1] != "scale") return;
    resource_->has_scale = true;
    resource_->scale = {".spec.replicas", ".status.replicas", ""};
    for (std::size_t i = 6; i < tokens.size(); ++i) {
      const std::string_view value = tokens[i].substr(tokens[i].find('=') + 1);
      if (tokens[i].starts_with("specReplicasPath=")) resource_->scale.spec_replicas = value;
      if (tokens[i].starts_with("statusReplicasPath=")) resource_->scale.status_replicas = value;
      if (tokens[i].starts_with("labelSelectorPath=")) resource_->scale.selector = value;
    }
  }

  void read_column(const std::vector<std::string_view>& tokens) {
    if (resource_ == nullptr || tokens.size() < 5) damaged("a column without a resource");
    resource_->columns.push_back({std::string(tokens[1]), std::string(tokens[2]), std::string(tokens[3]),
                                  std::string(tokens.size() > 5 ? tokens[5] : ""),
                                  static_cast<int>(number(tokens[4]))});
  }

  void read_message(const std::vector<std::string_view>& tokens) {
    if (tokens.size() < 5) damaged("too few tokens");
    table_.messages.push_back(add_resource(tokens[1], tokens[2], tokens[3], tokens[4]));
  }

  void finish() {
    if (defined_.size() != types_.size()) {
      for (const auto& [name, type] : types_) {
        if (std::ranges::find(defined_, type) == defined_.end()) damaged(fmt::format("type {} is missing", name));
      }
    }
    for (Type* type : defined_) std::ranges::sort(type->fields, {}, &Field::name);
    for (const auto& [name, type] : types_) table_.by_name.emplace(name, type);
    for (const std::span<const ConditionalDefault> list : {core_defaults(), group_defaults()}) {
      for (const ConditionalDefault& rule : list) {
        if (!types_.contains(rule.type)) damaged(fmt::format("type {} is missing", rule.type));
        types_[rule.type]->conditional_default = rule.apply;
      }
    }
    for (const Resource& resource : table_.all) table_.index(&resource);
    for (const auto& [resource, version] : storage_) {
      for (const Resource& other : table_.all) {
        if (other.group == resource->group && other.plural == resource->plural && other.version == version) {
          resource->storage = &other;
        }
      }
    }
    share_storage("events.k8s.io", "v1", "", "v1", "events");
    share_storage("autoscaling", "v1", "autoscaling", "v2", "horizontalpodautoscalers");
  }

  /// One store under two names whose fields differ: conversion.cc turns one into the other.
  void share_storage(std::string_view group, std::string_view version, std::string_view storage_group,
                     std::string_view storage_version, std::string_view plural) {
    Resource* served = nullptr;
    const Resource* storage = nullptr;
    for (Resource& other : table_.all) {
      if (other.plural != plural) continue;
      if (other.group == group && other.version == version) served = &other;
      if (other.group == storage_group && other.version == storage_version) storage = &other;
    }
    if (served != nullptr && storage != nullptr) served->storage = storage;
  }

  Schema::Table& table_;
  std::unordered_map<std::string_view, Type*> types_;
  std::vector<Type*> defined_;
  std::vector<std::pair<Resource*, std::string_view>> storage_;
  Type* type_ = nullptr;
  Resource* resource_ = nullptr;
  int line_ = 0;
};

}  // namespace

const Field* Type::field(std::string_view field_name) const {
  const auto at = std::ranges::lower_bound(fields, field_name, {}, &Field::name);
  return at != fields.end() && at->name == field_name ? &*at : nullptr;
}

const Type* Type::member(std::string_view key) const {
  if (shape == Shape::kMap) return element;
  const Field* found = field(key);
  return found == nullptr ? nullptr : found->type;
}

Shape shape_of(std::string_view name) {
  for (const auto& [key, shape] : kShapes) {
    if (key == name) return shape;
  }
  throw std::runtime_error(fmt::format("engine/api/schema/table.txt: unknown shape {}; run tools/schema", name));
}

const Type* scalar_type(std::string_view name) {
  static const std::array<Type, kShapes.size()> scalars = [] {
    std::array<Type, kShapes.size()> out;
    for (std::size_t i = 0; i < kShapes.size(); ++i) {
      out[i].name = kShapes[i].first;
      out[i].shape = kShapes[i].second;
    }
    return out;
  }();
  if (name.starts_with('~') || name.contains('.')) return nullptr;
  for (std::size_t i = 0; i < kShapes.size(); ++i) {
    if (kShapes[i].first == name) return &scalars[i];
  }
  return nullptr;
}

void Schema::Table::load(std::string_view text) { Loader(*this).load(text); }

void Schema::Table::index(const Resource* resource) {
  by_kind[fmt::format("{}/{}/{}", resource->group, resource->version, resource->kind)] = resource;
  if (resource->plural.empty()) return;
  by_plural[fmt::format("{}/{}/{}", resource->group, resource->version, resource->plural)] = resource;
  const auto at = std::ranges::lower_bound(served, resource->ordinal, {}, &Resource::ordinal);
  served.insert(at, resource);
}

}  // namespace fairlead::api
