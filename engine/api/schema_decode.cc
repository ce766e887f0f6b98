// Strict decoding: names and JSON types of all fields, and scalars written the way upstream's encoders write them.
#include <algorithm>
#include <iterator>
#include <utility>

#include "base/json.h"
#include "engine/api/path_text.h"
#include "engine/api/schema_scalar.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

/// Goes through one object. Findings keep the order of the source.
class Decoder {
 public:
  /// `meta` is what objects within objects have under "metadata", whatever their schema says.
  explicit Decoder(const Type& meta) : meta_(meta) {}

  void object(const Type& type, Value& value) {
    const bool outer_typed = std::exchange(typed_, type.typed);
    const std::string_view outer_struct = std::exchange(struct_, type.short_name());
    Value::Object kept;
    kept.reserve(value.size());
    for (Member& member : value.mutable_members()) {
      const Field* field = type.field(member.key);
      if (field == nullptr) {
        unknown(type, member, kept);
        continue;
      }
      const auto step = path_.child(member.key);
      if (member.value.is_null() && (typed_ || !field->type->nullable)) continue;
      node(*field->type, member.value);
      const bool list = member.value.is_array() || field->type->shape == Shape::kMap;
      if ((field->omit_zero || (field->emit_zero && list)) && is_zero(member.value)) continue;
      kept.push_back(std::move(member));
    }
    value.mutable_members() = std::move(kept);
    if (type.embedded) {
      if (Value* metadata = value.find("metadata")) embedded_metadata(*metadata);
    }
    typed_ = outer_typed;
    struct_ = outer_struct;
  }

  std::vector<FieldError> take() {
    std::ranges::move(embedded_, std::back_inserter(findings_));
    if (findings_.size() > kMaxFindings) findings_.resize(kMaxFindings);
    return std::move(findings_);
  }

 private:
  /// Source: apiextensions-apiserver/pkg/apiserver/schema/objectmeta/{algorithm,coerce}.go.
  void embedded_metadata(Value& metadata) {
    const auto step = path_.child("metadata");
    const std::string where = path_.text();
    const auto refuse = [&](std::string_view why) {
      embedded_.push_back({FieldError::Reason::kType, where,
                           fmt::format("{}: Invalid value: {}: {}", where, to_json(metadata), why), metadata.line(),
                           metadata.column()});
    };
    if (embedded_.size() >= kMaxFindings) return;
    if (!metadata.is_object()) {
      return refuse(fmt::format("json: cannot unmarshal {} into Go value of type v1.ObjectMeta", go_kind(metadata)));
    }
    Decoder inner(meta_);
    Value decoded = metadata;
    inner.object(meta_, decoded);
    for (const FieldError& finding : inner.take()) {
      if (finding.reason != FieldError::Reason::kUnknown) {
        refuse(finding.message);
        continue;
      }
      const std::string field = child_path(where, finding.field);
      embedded_.push_back(
          {finding.reason, field, fmt::format("unknown field \"{}\"", field), finding.line, finding.column});
    }
    metadata = std::move(decoded);
  }

  void unknown(const Type& type, Member& member, Value::Object& kept) {
    const bool identity =
        type.embedded && (member.key == "apiVersion" || member.key == "kind" || member.key == "metadata");
    if (type.preserve_unknown || identity) {
      kept.push_back(std::move(member));
      return;
    }
    const auto step = path_.child(member.key);
    report(FieldError::Reason::kUnknown, fmt::format("unknown field \"{}\"", path_.text()), member.value);
  }

  void node(const Type& type, Value& value) {
    if (value.is_null() && !typed_) return;  // validate() says whether it may be.
    switch (type.shape) {
      case Shape::kAny:
        return;
      case Shape::kRaw:
      case Shape::kObject:
        if (!value.is_object()) return wrong(type, value, go_kind(value));
        if (type.shape == Shape::kObject) object(type, value);
        return;
      case Shape::kMap:
        if (!value.is_object()) return wrong(type, value, go_kind(value));
        for (Member& member : value.mutable_members()) {
          const auto step = path_.element(member.key);
          element(*type.element, member.value);
        }
        return;
      case Shape::kArray:
        if (!value.is_array()) return wrong(type, value, go_kind(value));
        for (std::size_t i = 0; i < value.size(); ++i) {
          const auto step = path_.element(i);
          element(*type.element, value.mutable_items()[i]);
        }
        return;
      default:
        scalar(type, value);
    }
  }

  /// A null element is upstream's zero value.
  void element(const Type& type, Value& value) {
    if (value.is_null() && typed_) value = zero_of(type);
    node(type, value);
  }

  void scalar(const Type& type, Value& value) {
    const Scalar outcome = normalise_scalar(type.shape, value, typed_);
    if (outcome.ok) return;
    if (outcome.message.empty()) return wrong(type, value, go_kind(value));
    if (typed_ && value.is_number() && json_type(type.shape) == "integer") return wrong(type, value, outcome.message);
    if (typed_) report(FieldError::Reason::kType, outcome.message, value);
  }

  /// `what` is the value as Go's decoder names it: "string", "number 1.5".
  void wrong(const Type& type, const Value& value, std::string_view what) {
    if (!typed_) return;  // Of a custom resource: validate() finds it, as upstream's does.
    report(FieldError::Reason::kType,
           fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}", what, struct_,
                       without_indexes(path_.text()), go_type(type)),
           value);
  }

  static std::string_view go_kind(const Value& value) {
    if (value.is_bool()) return "bool";
    return value.is_number() ? "number" : value.kind_name();
  }

  static std::string without_indexes(std::string_view path) {
    std::string out;
    bool inside = false;
    for (const char c : path) {
      if (c == '[') inside = true;
      if (!inside) out += c;
      if (c == ']') inside = false;
    }
    return out;
  }

  void report(FieldError::Reason reason, std::string message, const Value& at) {
    if (findings_.size() >= kMaxFindings) return;
    findings_.push_back({reason, path_.text(), std::move(message), at.line(), at.column()});
  }

  PathText path_;
  const Type& meta_;
  std::vector<FieldError> embedded_;  ///< Of the metadata of objects within objects; told last.

  std::string_view struct_;  ///< The Go struct that is being read.
  bool typed_ = false;
  std::vector<FieldError> findings_;
};

}  // namespace

std::vector<FieldError> Schema::decode(const Resource& resource, Value& object) const {
  if (!object.is_object()) {
    return {{FieldError::Reason::kType, "",
             fmt::format("{} must be an object, not {}", resource.kind, object.kind_name()), object.line(),
             object.column()}};
  }
  Decoder decoder(*table_->by_name.find("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")->second);
  decoder.object(*resource.type, object);
  return decoder.take();
}

}  // namespace fairlead::api
