// The inside of the schema: types as the table holds them. Only schema*.cc files include this.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "engine/api/schema.h"

namespace fairlead::api {

/// How a value of the type looks in JSON.
enum class Shape : std::uint8_t {
  kAny,
  kRaw,
  kObject,
  kMap,
  kArray,
  kString,
  kInt32,
  kInt64,
  kInteger,
  kNumber,
  kBoolean,
  kBytes,
  kIntOrString,
  kQuantity,
  kTime,
  kMicroTime,
  kDuration,
};

enum class ListType : std::uint8_t { kAtomic, kSet, kMap };

/// What limits a value beyond its shape. Few types have any.
struct Limits {
  Value enumeration;             ///< Array; null when any value will do.
  std::string pattern;           ///< RE2; empty for none.
  std::int64_t min_length = -1;  ///< Negative: no limit, here and below.
  std::int64_t max_length = -1;
  std::int64_t min_items = -1;
  std::int64_t max_items = -1;
  std::int64_t min_properties = -1;
  std::int64_t max_properties = -1;
  Value minimum;  ///< Null: no limit.
  Value maximum;
  Value multiple_of;
  bool exclusive_minimum = false;
  bool exclusive_maximum = false;
  bool unique = false;
  std::string format;
  Value one_of, any_of, all_of, none_of;  ///< Schemas as JSON.
  Value rules;                            ///< CEL: [{rule, message}].
};

struct Field {
  std::string_view name;
  const Type* type = nullptr;
  Value preset;              ///< The default; null for none.
  std::uint32_t number = 0;  ///< In protobuf; 0: not there.
  bool required = false;
  bool retain_keys = false;    ///< Clients patch it with $retainKeys.
  bool patch_replace = false;  ///< A strategic merge patch replaces the object whole.
  bool omit_zero = false;      ///< Upstream's struct leaves a zero value out of JSON.
  bool emit_null = false;      ///< A pointer that upstream's struct writes as null.
  bool emit_zero = false;      ///< Upstream's struct writes a zero value.
};

/// Fields of `type` that stand in the outer object, but travel as protobuf message `number` of it.
struct Inline {
  const Type* type = nullptr;
  std::uint32_t number = 0;
};

struct Type {
  std::string_view name;  ///< "io.k8s.api.core.v1.Container"; starts with '~' when upstream gave none.
  Shape shape = Shape::kAny;
  ListType list = ListType::kAtomic;
  bool atomic = false;  ///< An object or map that a merge replaces whole (server-side apply).
  bool preserve_unknown = false;
  bool embedded = false;  ///< Holds a whole object with apiVersion, kind and metadata.
  bool nullable = false;
  bool typed = false;        ///< A Go struct upstream: zero values and nulls are normalised as its encoder does.
  bool patch_merge = false;  ///< Strategic merge goes element by element.
  bool patch_retain_keys = false;
  std::string_view merge_key;  ///< Of an array of objects that merges; empty for one of scalars.
  std::vector<std::string_view> list_keys;
  const Type* element = nullptr;  ///< Of arrays and maps.
  std::vector<Field> fields;      ///< Sorted by name.
  std::vector<Inline> inlines;
  std::unique_ptr<Limits> limits;
  void (*conditional_default)(Value& value) = nullptr;  ///< schema_defaults.h; null for most.

  [[nodiscard]] const Field* field(std::string_view field_name) const;
  /// Of the member `key` of a map or an object; null where there is none.
  [[nodiscard]] const Type* member(std::string_view key) const;
  [[nodiscard]] bool named() const { return !name.starts_with('~'); }
  /// "Container" of "io.k8s.api.core.v1.Container".
  [[nodiscard]] std::string_view short_name() const { return name.substr(name.rfind('.') + 1); }
};

struct Schema::Table {
  std::deque<Type> types;                       ///< Addresses are stable.
  std::deque<std::string> strings;              ///< What views of types made at run time point to.
  std::deque<Resource> all;                     ///< Every resource ever registered; addresses are stable.
  std::vector<const Resource*> served;          ///< In order of ordinal.
  std::vector<const Resource*> stored;          ///< In order of ordinal; not all of them are served.
  std::vector<const Resource*> messages;        ///< Kinds that travel but are not stored.
  std::set<std::string, std::less<>> built_in;  ///< "plural.group": no definition of others takes their place.
  std::map<std::string, Value, std::less<>> definitions;             ///< "plural.group" -> the spec that is in use.
  std::map<std::string, std::uint32_t, std::less<>> store_ordinals;  ///< "plural.group" -> of its storage resources.
  std::map<std::string, const Type*, std::less<>> by_name;
  std::map<std::string, const Resource*, std::less<>> by_kind;    ///< "group/version/Kind"
  std::map<std::string, const Resource*, std::less<>> by_plural;  ///< "group/version/plural"

  /// Reads the text that tools/schema writes. Throws std::runtime_error with the line that is wrong.
  void load(std::string_view text);
  void index(const Resource* resource);
  std::string_view keep(std::string text) { return strings.emplace_back(std::move(text)); }
};

/// The shape's scalar type, which needs no line in the table: "string", "int32" …; null for other names.
[[nodiscard]] const Type* scalar_type(std::string_view name);
[[nodiscard]] Shape shape_of(std::string_view name);

/// Something in this program acts on objects of this kind.
[[nodiscard]] bool acted_on(const Resource& resource);

/// "a.b" and "c" give "a.b.c"; an index gives "a.b[0]"; a key that is no plain name gives "a.b[key]".
[[nodiscard]] std::string child_path(std::string_view parent, std::string_view name);
[[nodiscard]] std::string index_path(std::string_view parent, std::size_t index);
[[nodiscard]] std::string key_path(std::string_view parent, std::string_view key);

}  // namespace fairlead::api
