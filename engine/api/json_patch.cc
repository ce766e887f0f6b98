#include "engine/api/json_patch.h"

#include <charconv>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/json_shape.h"

namespace fairlead::api {
namespace {

using Path = std::vector<std::string>;

/// RFC 6901: "/a~1b/0" is {"a/b", "0"}; "" is the whole document.
Result<Path> parse_pointer(const Value& pointer) {
  if (!pointer.is_string()) return fail("a JSON patch operation needs a path");
  std::string_view rest = pointer.str();
  Path out;
  if (rest.empty()) return out;
  if (rest[0] != '/') return fail("JSON pointer \"{}\" must be empty or start with '/'", rest);
  out.emplace_back();
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '/') {
      out.emplace_back();
    } else if (rest[i] == '~' && i + 1 < rest.size() && (rest[i + 1] == '0' || rest[i + 1] == '1')) {
      out.back() += rest[++i] == '0' ? '~' : '/';
    } else if (rest[i] == '~') {
      return fail("JSON pointer \"{}\" holds a '~' that is neither ~0 nor ~1", rest);
    } else {
      out.back() += rest[i];
    }
  }
  return out;
}

/// An index below `limit`, or one from the end as a negative number, "-1" being the last that may be named. RFC 6901
/// knows neither these nor signs and leading zeros; upstream's library (evanphx/json-patch v4) reads them as Go's Atoi.
std::optional<std::size_t> parse_index(std::string_view step, std::size_t limit) {
  if (step.starts_with('+') && !step.substr(1).starts_with('-')) step.remove_prefix(1);
  std::int64_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (error != std::errc() || end != step.data() + step.size()) return std::nullopt;
  const auto size = static_cast<std::int64_t>(limit);
  if (index >= size || index < -size) return std::nullopt;
  return static_cast<std::size_t>(index < 0 ? index + size : index);
}

Error missing(const Value& pointer) {
  return Error{fmt::format("the path \"{}\" of a JSON patch operation does not exist", pointer.str())};
}

/// A document and what the operations on it have cost so far.
class Document {
 public:
  explicit Document(Value root) : root_(std::move(root)) {}

  Result<> apply(const Value& operation);
  [[nodiscard]] Value take_root() && { return std::move(root_); }

 private:
  Result<> add(const Value& pointer, Value value);
  Result<Value> take(const Value& pointer);
  Result<Value*> look(const Value& pointer);
  Result<> test(const Value& operation);
  Result<> replace(const Value& operation);
  Result<> move(const Value& operation);
  Result<> copy(const Value& operation);

  Value* walk(const Path& path, std::size_t steps);
  Result<> check_depth(const Path& path, const Value& pointer, const Value& value);

  Value root_;
  std::size_t work_ = 0;
  std::size_t copied_bytes_ = 0;
};

/// The node after the first `steps` steps of `path`, or null.
Value* Document::walk(const Path& path, std::size_t steps) {
  Value* node = &root_;
  for (std::size_t i = 0; i < steps; ++i) {
    if (node->is_array()) {
      const auto index = parse_index(path[i], node->size());
      node = index ? &node->mutable_items()[*index] : nullptr;
    } else {
      work_ += node->size();
      node = node->find(path[i]);
    }
    if (node == nullptr) return nullptr;
  }
  return node;
}

/// Whether `value` may stand at `path`. What stands there is read back from the journal, by a reader with this limit.
Result<> Document::check_depth(const Path& path, const Value& pointer, const Value& value) {
  const JsonShape shape = json_shape(value);
  work_ += shape.nodes;
  if (path.size() + shape.depth <= kMaxJsonDepth) return {};
  return fail("the JSON patch operation at \"{}\" makes the object nested deeper than {} levels", pointer.str(),
              kMaxJsonDepth);
}

Result<> Document::add(const Value& pointer, Value value) {
  auto path = parse_pointer(pointer);
  if (!path) return std::unexpected(path.error());
  if (auto fits = check_depth(*path, pointer, value); !fits) return fits;
  if (path->empty()) {
    root_ = std::move(value);
    return {};
  }
  Value* parent = walk(*path, path->size() - 1);
  if (parent == nullptr) return std::unexpected(missing(pointer));
  const std::string& last = path->back();
  if (parent->is_array()) {
    auto& items = parent->mutable_items();
    const auto index = last == "-" ? std::optional(items.size()) : parse_index(last, items.size() + 1);
    if (!index) return std::unexpected(missing(pointer));
    work_ += items.size() - *index;
    items.insert(items.begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
    return {};
  }
  if (!parent->is_object()) return std::unexpected(missing(pointer));
  work_ += parent->size();
  parent->set(last, std::move(value));
  return {};
}

/// Takes the node at `pointer` out of the tree.
Result<Value> Document::take(const Value& pointer) {
  auto path = parse_pointer(pointer);
  if (!path) return std::unexpected(path.error());
  if (path->empty()) return fail("a JSON patch cannot remove the whole document");
  Value* parent = walk(*path, path->size() - 1);
  Value* node = parent == nullptr ? nullptr : walk(*path, path->size());
  if (node == nullptr) return std::unexpected(missing(pointer));
  Value out = std::move(*node);
  work_ += parent->size();
  if (parent->is_array()) {
    auto& items = parent->mutable_items();
    items.erase(items.begin() + (node - items.data()));
  } else {
    parent->erase(path->back());
  }
  return out;
}

Result<Value*> Document::look(const Value& pointer) {
  auto path = parse_pointer(pointer);
  if (!path) return std::unexpected(path.error());
  Value* node = walk(*path, path->size());
  if (node == nullptr) return std::unexpected(missing(pointer));
  return node;
}

Result<> Document::test(const Value& operation) {
  auto path = parse_pointer(operation.at("path"));
  if (!path) return std::unexpected(path.error());
  const Value* node = walk(*path, path->size());
  if (node == nullptr) {
    // Upstream's library takes a missing member for null: the usual way to ask for absence.
    const Value* parent = path->empty() ? nullptr : walk(*path, path->size() - 1);
    const bool absent = parent != nullptr && parent->is_object();
    if (absent && operation.at("value").is_null()) return {};
    return std::unexpected(missing(operation.at("path")));
  }
  if (*node == operation.at("value")) return {};
  return fail("the test of a JSON patch failed at \"{}\"", operation.at("path").str());
}

Result<> Document::replace(const Value& operation) {
  auto path = parse_pointer(operation.at("path"));
  if (!path) return std::unexpected(path.error());
  if (auto fits = check_depth(*path, operation.at("path"), operation.at("value")); !fits) return fits;
  Value* node = walk(*path, path->size());
  if (node == nullptr) {
    // Upstream's library looks whether there is an object to put it into, and no further.
    Value* parent = path->empty() ? nullptr : walk(*path, path->size() - 1);
    if (parent == nullptr || !parent->is_object()) return std::unexpected(missing(operation.at("path")));
    node = &(*parent)[path->back()];
  }
  *node = operation.at("value");
  return {};
}

Result<> Document::move(const Value& operation) {
  const std::string_view from = operation.at("from").str();
  const std::string_view to = operation.at("path").str();
  if (to.starts_with(from) && to.size() > from.size() && to[from.size()] == '/') {
    return fail("a JSON patch cannot move \"{}\" into itself", from);
  }
  auto taken = take(operation.at("from"));
  if (!taken) return std::unexpected(taken.error());
  return add(operation.at("path"), std::move(*taken));
}

Result<> Document::copy(const Value& operation) {
  auto node = look(operation.at("from"));
  if (!node) return std::unexpected(node.error());
  copied_bytes_ += to_json(**node).size();
  if (copied_bytes_ > kMaxJsonPatchCopyBytes) {
    return fail("Unable to complete the copy, the accumulated size increase of copy is {}, exceeding the limit {}",
                copied_bytes_, kMaxJsonPatchCopyBytes);
  }
  return add(operation.at("path"), Value(**node));
}

Result<> Document::apply(const Value& operation) {
  if (work_ > kMaxJsonPatchWork) {
    return fail(
        "the operations of this JSON patch look at or move over {} members and elements: send fewer operations at a "
        "time, or replace the large list or object as a whole",
        kMaxJsonPatchWork);
  }
  const std::string_view op = operation.at("op").str();
  const bool needs_value = op == "add" || op == "replace" || op == "test";
  if (needs_value && !operation.has("value")) return fail("the JSON patch operation \"{}\" needs a value", op);
  if (op == "add") return add(operation.at("path"), operation.at("value"));
  if (op == "replace") return replace(operation);
  if (op == "test") return test(operation);
  if (op == "move") return move(operation);
  if (op == "copy") return copy(operation);
  if (op == "remove") {
    auto taken = take(operation.at("path"));
    if (!taken) return std::unexpected(taken.error());
    return {};
  }
  return fail("a JSON patch knows no operation \"{}\"", op);
}

}  // namespace

Result<Value> json_patch(Value target, const Value& patch) {
  if (!patch.is_array()) return fail("a JSON patch must be an array of operations");
  if (patch.size() > kMaxJsonPatchOperations) {
    return fail("a JSON patch may hold at most {} operations, this one has {}", kMaxJsonPatchOperations, patch.size());
  }
  Document document(std::move(target));
  for (const Value& operation : patch.items()) {
    if (auto applied = document.apply(operation); !applied) return std::unexpected(applied.error());
  }
  return std::move(document).take_root();
}

}  // namespace fairlead::api
