#include "base/yaml.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include <yaml.h>

#include "base/utf8.h"
#include "base/yaml_scalar.h"

namespace fairlead {
namespace {

/// Text that aliases may add to a document; a small file must not become gigabytes.
constexpr std::size_t kMaxAliasBytes = std::size_t{64} << 20;

using Failure = std::optional<Error>;

std::string_view text_of(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(text));
}

/// How much a finished node is worth against the limits.
struct Cost {
  std::size_t nodes = 0;
  std::size_t bytes = 0;
  std::size_t height = 0;  ///< Containers on the longest way down.
};

struct Anchor {
  Value value;
  Cost cost;
  bool open = false;  ///< Its node has not ended yet.
};

/// A list or map that has begun and not ended.
struct Frame {
  Value value;
  std::string anchor;
  Cost before;  ///< Totals when it began.
  std::size_t height = 1;
  bool is_map = false;
  std::optional<std::string> key;                                  ///< Read, its value not yet.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> key_marks;  ///< Line and column of each member's key.
  bool merging = false;                                            ///< The value of `<<` comes next.
  Value::Object merged;
  std::size_t members_before_merge = 0;
  yaml_mark_t merge_mark{};
  bool has_merge = false;
};

/// Turns the events of one text into trees.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::string_view file) : file_(file) {}

  Failure handle(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_DOCUMENT_START_EVENT:
        anchors_.clear();
        return {};
      case YAML_ALIAS_EVENT:
        return on_alias(event);
      case YAML_SCALAR_EVENT:
        return on_scalar(event);
      case YAML_SEQUENCE_START_EVENT:
        return open(event, text_of(event.data.sequence_start.anchor), false);
      case YAML_MAPPING_START_EVENT:
        return open(event, text_of(event.data.mapping_start.anchor), true);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT:
        return close();
      default:
        return {};
    }
  }

  [[nodiscard]] std::vector<Value> take() { return std::move(documents_); }

 private:
  [[nodiscard]] Error error_at(const yaml_mark_t& mark, std::string message) const {
    return Error{std::move(message), file_, static_cast<std::uint32_t>(mark.line + 1),
                 static_cast<std::uint32_t>(mark.column + 1)};
  }

  static void set_position(Value& value, const yaml_mark_t& mark) {
    value.set_position(static_cast<std::uint32_t>(mark.line + 1), static_cast<std::uint32_t>(mark.column + 1));
  }

  Failure spend(const yaml_mark_t& mark, const Cost& cost) {
    if (stack_.size() + cost.height > kMaxYamlDepth) {
      return error_at(mark, fmt::format("nested deeper than {} levels", kMaxYamlDepth));
    }
    total_.nodes += cost.nodes;
    total_.bytes += cost.bytes;
    if (total_.nodes > kMaxYamlNodes) return error_at(mark, fmt::format("more than {} values", kMaxYamlNodes));
    return {};
  }

  Failure on_scalar(const yaml_event_t& event) {
    const auto& scalar = event.data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
    const std::string_view tag = text_of(scalar.tag);
    const bool is_text = tag.empty() && scalar.plain_implicit == 0;
    if (expects_key() && text == "<<" && !is_text && (tag.empty() || tag == "tag:yaml.org,2002:merge")) {
      return start_merge(event.start_mark);
    }
    Result<Value> value = is_text ? Result<Value>(Value(text)) : resolve_yaml_scalar(tag, text);
    if (!value) return error_at(event.start_mark, std::move(value.error().message));
    const Cost cost{1, text.size(), 0};
    if (Failure failure = spend(event.start_mark, cost)) return failure;
    set_position(*value, event.start_mark);
    const std::string_view anchor = text_of(scalar.anchor);
    if (!anchor.empty()) anchors_.insert_or_assign(std::string(anchor), Anchor{*value, cost});
    return place(*std::move(value), event.start_mark, 0);
  }

  Failure on_alias(const yaml_event_t& event) {
    const std::string_view name = text_of(event.data.alias.anchor);
    const auto found = anchors_.find(name);
    if (found == anchors_.end())
      return error_at(event.start_mark, fmt::format("no anchor &{} before this alias", name));
    const Anchor& anchor = found->second;
    if (anchor.open) return error_at(event.start_mark, fmt::format("the value of anchor &{} contains itself", name));
    alias_bytes_ += anchor.cost.bytes;
    if (alias_bytes_ > kMaxAliasBytes) return error_at(event.start_mark, "aliases expand to more than 64 MiB of text");
    if (Failure failure = spend(event.start_mark, anchor.cost)) return failure;
    Value copy = anchor.value;
    set_position(copy, event.start_mark);
    return place(std::move(copy), event.start_mark, anchor.cost.height);
  }

  Failure open(const yaml_event_t& event, std::string_view anchor, bool is_map) {
    if (expects_key()) {
      return error_at(event.start_mark, fmt::format("a key must be a scalar, not a {}", is_map ? "map" : "list"));
    }
    const Cost before = total_;
    if (Failure failure = spend(event.start_mark, Cost{1, 0, 1})) return failure;
    if (!anchor.empty()) anchors_.insert_or_assign(std::string(anchor), Anchor{Value(), {}, true});
    Frame& frame = stack_.emplace_back();
    frame.value = is_map ? Value(Value::Object()) : Value(Value::Array());
    set_position(frame.value, event.start_mark);
    frame.anchor = anchor;
    frame.before = before;
    frame.is_map = is_map;
    return {};
  }

  Failure close() {
    Frame frame = std::move(stack_.back());
    stack_.pop_back();
    if (frame.is_map) {
      if (Failure failure = check_duplicates(frame)) return failure;
      if (Failure failure = finish_merge(frame)) return failure;
    }
    if (!frame.anchor.empty()) {
      const Cost cost{total_.nodes - frame.before.nodes, total_.bytes - frame.before.bytes, frame.height};
      anchors_.insert_or_assign(frame.anchor, Anchor{frame.value, cost});
    }
    const yaml_mark_t mark{0, frame.value.line() - 1, frame.value.column() - 1};
    return place(std::move(frame.value), mark, frame.height);
  }

  [[nodiscard]] bool expects_key() const {
    return !stack_.empty() && stack_.back().is_map && !stack_.back().key && !stack_.back().merging;
  }

  /// Puts a finished value where it belongs: document, list item, key or member.
  Failure place(Value value, const yaml_mark_t& mark, std::size_t height) {
    if (stack_.empty()) {
      if (!value.is_null()) documents_.push_back(std::move(value));
      return {};
    }
    Frame& frame = stack_.back();
    frame.height = std::max(frame.height, height + 1);
    if (!frame.is_map) {
      frame.value.push_back(std::move(value));
    } else if (frame.merging) {
      frame.merging = false;
      return merge(frame, value, mark);
    } else if (frame.key) {
      frame.value.mutable_members().push_back(Member{*std::move(frame.key), std::move(value)});
      frame.key.reset();
    } else {
      Result<std::string> key = yaml_key(value);
      if (!key) return error_at(mark, std::move(key.error().message));
      frame.key = *std::move(key);
      frame.key_marks.emplace_back(mark.line + 1, mark.column + 1);
    }
    return {};
  }

  Failure start_merge(const yaml_mark_t& mark) {
    Frame& frame = stack_.back();
    if (frame.has_merge) return error_at(mark, "duplicate key \"<<\": merge several maps with a list");
    frame.has_merge = frame.merging = true;
    frame.merge_mark = mark;
    frame.members_before_merge = frame.value.size();
    return {};
  }

  Failure merge(Frame& frame, const Value& from, const yaml_mark_t& mark) {
    const bool all_maps = from.is_object() || (from.is_array() && std::ranges::all_of(from.items(), &Value::is_object));
    if (!all_maps) return error_at(mark, "`<<` merges a map or a list of maps");
    const auto add = [&](const Value& map) {
      for (const Member& member : map.members()) frame.merged.push_back(member);
    };
    if (from.is_object()) add(from);
    for (const Value& map : from.items()) add(map);
    return {};
  }

  Failure check_duplicates(const Frame& frame) const {
    const Value::Object& members = frame.value.members();
    std::vector<std::size_t> order(members.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
      const int by_key = members[a].key.compare(members[b].key);
      return by_key != 0 ? by_key < 0 : a < b;
    });
    std::size_t first = members.size();
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (members[order[i - 1]].key == members[order[i]].key) first = std::min(first, order[i]);
    }
    if (first == members.size()) return {};
    const auto [line, column] = frame.key_marks[first];
    return Error{fmt::format("duplicate key \"{}\"", members[first].key), file_, line, column};
  }

  /// Adds what `<<` brought and the map itself does not say. Upstream lets a `<<` that stands below a key win over it,
  /// YAML lets the key win: nobody should depend on either.
  Failure finish_merge(Frame& frame) const {
    if (frame.merged.empty()) return {};
    std::map<std::string, std::size_t, std::less<>> known;
    for (const Member& member : frame.value.members()) known.emplace(member.key, known.size());
    for (Member& member : frame.merged) {
      const auto [at, added] = known.emplace(member.key, frame.members_before_merge);
      if (added) {
        frame.value.mutable_members().push_back(std::move(member));
      } else if (at->second < frame.members_before_merge) {
        return error_at(
            frame.merge_mark,
            fmt::format("`<<` brings \"{}\", which stands above it: move `<<` to the top of the map", member.key));
      }
    }
    return {};
  }

  std::string file_;
  std::vector<Value> documents_;
  std::vector<Frame> stack_;
  std::map<std::string, Anchor, std::less<>> anchors_;
  Cost total_;
  std::size_t alias_bytes_ = 0;
};

/// libyaml's parser and one event at a time of it.
class EventReader {
 public:
  explicit EventReader(std::string_view text) : text_(text) {
    FAIRLEAD_ASSERT(yaml_parser_initialize(&parser_) == 1);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  ~EventReader() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  /// The next event, owned by this reader until the next call; null after a mistake in the text.
  const yaml_event_t* next() {
    yaml_event_delete(&event_);
    return yaml_parser_parse(&parser_, &event_) == 1 ? &event_ : nullptr;
  }

  [[nodiscard]] Error error(std::string_view file) const {
    if (parser_.error == YAML_READER_ERROR) {
      const TextPosition at = position_of(text_, parser_.problem_offset);
      return Error{parser_.problem, std::string(file), at.line, at.column};
    }
    std::string message = parser_.problem != nullptr ? parser_.problem : "out of memory";
    if (parser_.context != nullptr)
      message += fmt::format(" ({} on line {})", parser_.context, parser_.context_mark.line + 1);
    return Error{std::move(message), std::string(file), static_cast<std::uint32_t>(parser_.problem_mark.line + 1),
                 static_cast<std::uint32_t>(parser_.problem_mark.column + 1)};
  }

 private:
  std::string_view text_;
  yaml_parser_t parser_{};
  yaml_event_t event_{};
};

}  // namespace

Result<std::vector<Value>> parse_yaml(std::string_view text, std::string_view file) {
  const std::size_t bad = find_invalid_utf8(text);
  if (bad != std::string_view::npos) {
    const TextPosition at = position_of(text, bad);
    return std::unexpected(Error{"invalid UTF-8", std::string(file), at.line, at.column});
  }
  EventReader reader(text);
  TreeBuilder builder(file);
  for (;;) {
    const yaml_event_t* event = reader.next();
    if (event == nullptr) return std::unexpected(reader.error(file));
    if (event->type == YAML_STREAM_END_EVENT) return builder.take();
    if (Failure failure = builder.handle(*event)) return std::unexpected(*std::move(failure));
  }
}

}  // namespace fairlead
