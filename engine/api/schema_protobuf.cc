// Protobuf as kubectl's typed commands send it, read by the field numbers of the table. Scalars come out as JSON has
// them. Source of the special messages: generated.proto of apimachinery's api/resource, apis/meta/v1, runtime,
// util/intstr.
#include <bit>
#include <optional>
#include <unordered_set>

#include "base/base64.h"
#include "base/json.h"
#include "base/time.h"
#include "base/utf8.h"
#include "engine/api/schema_scalar.h"
#include "engine/api/schema_type.h"

namespace fairlead::api {
namespace {

constexpr std::string_view kMagic{"k8s\0", 4};
constexpr int kMaxProtobufDepth = 100;
/// What RFC 3339 can write: 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z. Source: google/protobuf/timestamp.proto.
constexpr std::int64_t kFirstSecond = -62'135'596'800;
constexpr std::int64_t kLastSecond = 253'402'300'799;
constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

enum class Wire : std::uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

/// One field of a message: a number in `scalar`, or a view of `bytes`.
struct Part {
  std::uint32_t number = 0;
  Wire wire = Wire::kVarint;
  std::uint64_t scalar = 0;
  std::string_view bytes;
};

/// Takes messages apart. Any malformed byte makes ok() false and ends the message.
class Message {
 public:
  explicit Message(std::string_view bytes) : rest_(bytes) {}

  std::optional<Part> next() {
    if (rest_.empty() || !ok_) return std::nullopt;
    const std::uint64_t tag = varint();
    Part part{.number = static_cast<std::uint32_t>(tag >> 3), .wire = static_cast<Wire>(tag & 7), .bytes = {}};
    switch (part.wire) {
      case Wire::kVarint:
        part.scalar = varint();
        break;
      case Wire::kFixed64:
        part.scalar = fixed(8);
        break;
      case Wire::kFixed32:
        part.scalar = fixed(4);
        break;
      case Wire::kBytes: {
        const std::uint64_t size = varint();
        if (size > rest_.size()) ok_ = false;
        part.bytes = take(ok_ ? static_cast<std::size_t>(size) : 0);
        break;
      }
      default:
        ok_ = false;
    }
    if (part.number == 0) ok_ = false;
    return ok_ ? std::optional(part) : std::nullopt;
  }

  [[nodiscard]] bool ok() const { return ok_; }

 private:
  std::string_view take(std::size_t size) {
    const std::string_view out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

  std::uint64_t varint() {
    std::uint64_t out = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) break;
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      out |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if ((byte & 0x80U) == 0) return out;
    }
    ok_ = false;
    return 0;
  }

  std::uint64_t fixed(std::size_t size) {
    if (rest_.size() < size) {
      ok_ = false;
      return 0;
    }
    std::uint64_t out = 0;
    const std::string_view bytes = take(size);
    for (std::size_t i = size; i-- > 0;) out = out << 8 | static_cast<unsigned char>(bytes[i]);
    return out;
  }

  std::string_view rest_;
  bool ok_ = true;
};

/// The numbered fields of a small message with at most three of them.
struct Small {
  std::uint64_t scalar[4] = {};
  std::string_view bytes[4];
};

class Reader {
 public:
  bool message(const Type& type, std::string_view bytes, Value& out, int depth) {
    if (depth > kMaxProtobufDepth) return false;
    if (!out.is_object()) out = Value::object();
    Message parts(bytes);
    while (const std::optional<Part> part = parts.next()) {
      if (!field(type, *part, out, depth)) return false;
    }
    return parts.ok();
  }

 private:
  bool field(const Type& type, const Part& part, Value& out, int depth) {
    for (const Field& candidate : type.fields) {
      if (candidate.number == part.number) return place(*candidate.type, part, out[candidate.name], depth);
    }
    for (const Inline& inner : type.inlines) {
      if (inner.number == part.number) return message(*inner.type, part.bytes, out, depth + 1);
    }
    return true;  // A field of a newer client; protobuf lets servers skip it.
  }

  /// Lists and maps arrive one element at a time.
  bool place(const Type& type, const Part& part, Value& out, int depth) {
    if (type.shape == Shape::kArray) {
      Value item;
      if (!single(*type.element, part, item, depth)) return false;
      out.push_back(std::move(item));
      return true;
    }
    if (type.shape != Shape::kMap) return single(type, part, out, depth);
    if (out.is_null()) out = Value::object();
    std::string_view key;
    Value value = zero_of(*type.element);
    Message entry(part.bytes);
    while (const std::optional<Part> half = entry.next()) {
      if (half->number == 1) key = half->bytes;
      if (half->number == 2 && !map_value(*type.element, *half, value, depth)) return false;
    }
    out.mutable_members().push_back({to_valid_utf8(key), std::move(value)});
    return entry.ok();
  }

  /// A list as the value of a map is a message of its own, with the elements under number 1.
  bool map_value(const Type& type, const Part& part, Value& out, int depth) {
    if (type.shape != Shape::kArray) return single(type, part, out, depth);
    out = Value::array();
    Message list(part.bytes);
    while (const std::optional<Part> item = list.next()) {
      if (!place(type, *item, out, depth + 1)) return false;
    }
    return list.ok();
  }

  bool single(const Type& type, const Part& part, Value& out, int depth) {
    switch (type.shape) {
      case Shape::kObject:
        return part.wire == Wire::kBytes && message(type, part.bytes, out, depth + 1);
      case Shape::kBoolean:
        out = part.scalar != 0;
        return true;
      case Shape::kInt32:
      case Shape::kInt64:
      case Shape::kInteger:
        out = static_cast<std::int64_t>(part.scalar);
        return true;
      case Shape::kNumber:
        out = std::bit_cast<double>(part.scalar);
        return true;
      case Shape::kString:
        out = to_valid_utf8(part.bytes);
        return true;
      case Shape::kBytes:
        out = base64_encode(part.bytes);
        return true;
      case Shape::kArray:
      case Shape::kMap:
        return false;
      default:
        return special(type.shape, part.bytes, out);
    }
  }

  static bool special(Shape shape, std::string_view bytes, Value& out) {
    Small fields;
    Message parts(bytes);
    while (const std::optional<Part> part = parts.next()) {
      if (part->number > 3) continue;
      fields.scalar[part->number] = part->scalar;
      fields.bytes[part->number] = part->bytes;
    }
    const auto first = static_cast<std::int64_t>(fields.scalar[1]);
    const auto second = static_cast<std::int64_t>(fields.scalar[2]);
    switch (shape) {
      case Shape::kQuantity:
        out = fields.bytes[1].empty() ? "0" : to_valid_utf8(fields.bytes[1]);
        break;
      case Shape::kIntOrString:
        out = first == 1 ? Value(to_valid_utf8(fields.bytes[3])) : Value(second);
        break;
      case Shape::kDuration:
        out = format_duration(std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(first)));
        break;
      case Shape::kTime:
      case Shape::kMicroTime:
        out = Value();
        if (bytes.empty()) break;
        if (!is_timestamp(first, second)) return false;
        out = point_in_time(shape, first, second);
        break;
      default: {
        Result<Value> raw = parse_json(fields.bytes[1].empty() ? std::string_view("null") : fields.bytes[1]);
        if (!raw) return false;
        out = *std::move(raw);
      }
    }
    return parts.ok();
  }

  static bool is_timestamp(std::int64_t seconds, std::int64_t nanos) {
    return seconds >= kFirstSecond && seconds <= kLastSecond && nanos >= 0 && nanos < kNanosPerSecond;
  }

  static Value point_in_time(Shape shape, std::int64_t seconds, std::int64_t nanos) {
    const Time time{std::chrono::seconds(seconds) +
                    std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(nanos))};
    if (shape == Shape::kTime) return format_time(time);
    std::string text = format_micro_time(time);  // Time counts milliseconds; the last three digits are ours to add.
    const std::string micros = fmt::format("{:03}", nanos / 1000 % 1000);
    return text.replace(text.size() - 4, 3, micros);
  }
};

/// Entries of maps come one by one, and may come in several parts of one message: of those that share a key the last
/// one counts.
void keep_last_entries(Value& value) {
  if (value.is_array()) {
    for (Value& item : value.mutable_items()) keep_last_entries(item);
  }
  if (!value.is_object()) return;
  Value::Object& members = value.mutable_members();
  for (Member& member : members) keep_last_entries(member.value);
  std::unordered_set<std::string_view> seen;
  std::vector<bool> keep(members.size());
  for (std::size_t i = members.size(); i-- > 0;) keep[i] = seen.insert(members[i].key).second;
  if (seen.size() == members.size()) return;
  Value::Object kept;
  kept.reserve(seen.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (keep[i]) kept.push_back(std::move(members[i]));
  }
  members = std::move(kept);
}

}  // namespace

Result<Value> Schema::decode_protobuf(std::string_view bytes) const {
  if (!bytes.starts_with(kMagic)) return fail("the body is not Kubernetes protobuf: it does not start with k8s\\0");
  std::string_view api_version;
  std::string_view kind;
  std::string_view raw;
  Message unknown(bytes.substr(kMagic.size()));
  while (const std::optional<Part> part = unknown.next()) {
    if (part->number == 2) raw = part->bytes;
    if (part->number != 1) continue;
    Message identity(part->bytes);
    while (const std::optional<Part> half = identity.next()) (half->number == 1 ? api_version : kind) = half->bytes;
    if (!identity.ok()) return fail("the protobuf body is damaged");
  }
  if (!unknown.ok()) return fail("the protobuf body is damaged");
  const Resource* resource = by_kind(api_version, kind);
  if (resource == nullptr) return fail("no kind \"{}\" is registered for version \"{}\"", kind, api_version);
  if (!resource->type->typed) return fail("{} is a custom resource: it does not travel as protobuf", kind);
  Value out = Value::object({{"apiVersion", api_version}, {"kind", kind}});
  if (!Reader().message(*resource->type, raw, out, 0)) return fail("the protobuf body of this {} is damaged", kind);
  keep_last_entries(out);
  // Zero values that a Go struct always sends, and null times, go the way they go for JSON.
  for (const FieldError& finding : decode(*resource, out)) return fail("{}", finding.message);
  return out;
}

}  // namespace fairlead::api
