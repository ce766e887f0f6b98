// Runs conditions, as expr-lang's virtual machine does (expr/vm/vm.go, expr/vm/runtime).
#include "engine/control/expression.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/control/expression_node.h"

namespace fairlead::control {
namespace {

using Node = ExpressionNode;

std::unexpected<Error> mismatch(const Node& node, std::string_view what, const Value& found) {
  return std::unexpected(
      expression_error(node.column, fmt::format("{} {} does not work on {}", what, node.text, found.kind_name())));
}

/// Two's complement wrap-around, as Go's integers do.
std::int64_t wrap(std::string_view op, std::int64_t a, std::int64_t b) {
  const auto x = static_cast<std::uint64_t>(a);
  const auto y = static_cast<std::uint64_t>(b);
  if (op == "+") return static_cast<std::int64_t>(x + y);
  if (op == "-") return static_cast<std::int64_t>(x - y);
  return static_cast<std::int64_t>(x * y);
}

Result<Value> arithmetic(const Node& node, const Value& a, const Value& b) {
  if (node.text == "+" && a.is_string() && b.is_string()) return Value(std::string(a.str()) + std::string(b.str()));
  if (!a.is_number()) return mismatch(node, "the operator", a);
  if (!b.is_number()) return mismatch(node, "the operator", b);
  const double x = a.number_or(0);
  const double y = b.number_or(0);
  if (node.text == "/") return Value(x / y);
  if (node.text == "**" || node.text == "^") return Value(std::pow(x, y));
  if (node.text == "%") {
    if (!a.is_int() || !b.is_int()) return mismatch(node, "the operator", a.is_int() ? b : a);
    if (b.int_or(0) == 0) return std::unexpected(expression_error(node.column, "integer divide by zero"));
    return Value(b.int_or(0) == -1 ? 0 : a.int_or(0) % b.int_or(0));
  }
  if (a.is_int() && b.is_int()) return Value(wrap(node.text, a.int_or(0), b.int_or(0)));
  if (node.text == "+") return Value(x + y);
  return Value(node.text == "-" ? x - y : x * y);
}

template <class T>
bool ordered(std::string_view op, const T& a, const T& b) {
  if (op == "<") return a < b;
  if (op == ">") return a > b;
  return op == "<=" ? a <= b : a >= b;
}

Result<Value> order(const Node& node, const Value& a, const Value& b) {
  if (a.is_int() && b.is_int()) return Value(ordered(node.text, a.int_or(0), b.int_or(0)));
  if (a.is_number() && b.is_number()) return Value(ordered(node.text, a.number_or(0), b.number_or(0)));
  if (a.is_string() && b.is_string()) return Value(ordered(node.text, a.str(), b.str()));
  return mismatch(node, "the comparison", a.is_number() || a.is_string() ? b : a);
}

Result<Value> contained(const Node& node, const Value& item, const Value& list) {
  if (!list.is_array()) return mismatch(node, "the operator", list);
  bool found = false;
  for (const Value& each : list.items()) found = found || each == item;
  return Value(found == (node.text == "in"));
}

Result<Value> logic(const Node& node, const Value& result, const Value* element) {
  auto left = evaluate_node(node.children[0], result, element);
  if (!left) return left;
  if (!left->is_bool()) return mismatch(node, "the operator", *left);
  if (left->bool_or(false) == (node.text == "||")) return left;
  auto right = evaluate_node(node.children[1], result, element);
  if (right && !right->is_bool()) return mismatch(node, "the operator", *right);
  return right;
}

Result<Value> binary(const Node& node, const Value& result, const Value* element) {
  if (node.text == "&&" || node.text == "||") return logic(node, result, element);
  auto left = evaluate_node(node.children[0], result, element);
  if (!left) return left;
  auto right = evaluate_node(node.children[1], result, element);
  if (!right) return right;
  if (node.text == "==" || node.text == "!=") return Value((*left == *right) == (node.text == "=="));
  if (node.text == "in" || node.text == "not in") return contained(node, *left, *right);
  if (node.text.front() == '<' || node.text.front() == '>') return order(node, *left, *right);
  return arithmetic(node, *left, *right);
}

Result<Value> unary(const Node& node, const Value& result, const Value* element) {
  auto operand = evaluate_node(node.children[0], result, element);
  if (!operand) return operand;
  if (node.text == "!") {
    if (!operand->is_bool()) return mismatch(node, "the operator", *operand);
    return Value(!operand->bool_or(false));
  }
  if (!operand->is_number()) return mismatch(node, "the operator", *operand);
  if (node.text == "+") return operand;
  if (operand->is_int()) return Value(wrap("-", 0, operand->int_or(0)));
  return Value(-operand->number_or(0));
}

Result<Value> index(const Node& node, const Value& result, const Value* element) {
  auto list = evaluate_node(node.children[0], result, element);
  if (!list) return list;
  auto at = evaluate_node(node.children[1], result, element);
  if (!at) return at;
  if (!list->is_array())
    return std::unexpected(expression_error(node.column, fmt::format("{} has no elements", list->kind_name())));
  if (!at->is_int()) return std::unexpected(expression_error(node.column, "an index is an integer"));
  const auto length = static_cast<std::int64_t>(list->size());
  const std::int64_t position = at->int_or(0) < 0 ? length + at->int_or(0) : at->int_or(0);
  if (position < 0 || position >= length)
    return std::unexpected(expression_error(
        node.column, fmt::format("index out of range: {} (array length is {})", at->int_or(0), length)));
  return list->items()[static_cast<std::size_t>(position)];
}

/// Go's conversion on amd64: what does not fit becomes the smallest integer.
std::int64_t truncate(double x) {
  constexpr double kLimit = 9223372036854775808.0;
  if (!(x >= -kLimit && x < kLimit)) return std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(x);
}

template <class T>
std::optional<T> read(std::string_view text) {
  T number{};
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<Value> convert(const Node& node, const Value& from) {
  if (node.text == "asInt") {
    if (from.is_number()) return Value(from.is_int() ? from.int_or(0) : truncate(from.number_or(0)));
    if (const auto number = read<std::int64_t>(from.str())) return Value(*number);
  } else {
    if (from.is_number()) return Value(from.number_or(0));
    if (const auto number = read<double>(from.str())) return Value(*number);
  }
  return mismatch(node, "the function", from);
}

/// Characters, not bytes.
std::int64_t text_length(std::string_view text) {
  std::int64_t length = 0;
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++length;
  return length;
}

Result<Value> call(const Node& node, const Value& result, const Value* element) {
  auto first = evaluate_node(node.children[0], result, element);
  if (!first) return first;
  if (node.text == "len") {
    if (first->is_array()) return Value(first->size());
    if (first->is_string()) return Value(text_length(first->str()));
    return mismatch(node, "the function", *first);
  }
  if (node.text == "isNaN" || node.text == "isInf") {
    if (!first->is_double()) return mismatch(node, "the function", *first);
    return Value(node.text == "isNaN" ? std::isnan(first->number_or(0)) : std::isinf(first->number_or(0)));
  }
  if (node.text == "asInt" || node.text == "asFloat") return convert(node, *first);
  // What a Prometheus query answers is never nil, and upstream's isNil and default look at that answer alone.
  if (node.text == "isNil") return Value(false);
  auto second = evaluate_node(node.children[1], result, element);
  if (!second) return second;
  return result;
}

Result<Value> predicate(const Node& node, const Value& result, const Value* element) {
  auto list = evaluate_node(node.children[0], result, element);
  if (!list) return list;
  if (!list->is_array()) return mismatch(node, "the function", *list);
  Value chosen = Value::array();
  for (const Value& item : list->items()) {
    auto answer = evaluate_node(node.children[1], result, &item);
    if (!answer) return answer;
    if (!answer->is_bool()) return mismatch(node, "the predicate of", *answer);
    if (answer->bool_or(false)) chosen.push_back(item);
    if (node.text == "all" && !answer->bool_or(false)) return Value(false);
    if (node.text == "any" && answer->bool_or(false)) return Value(true);
    if (node.text == "none" && answer->bool_or(false)) return Value(false);
  }
  if (node.text == "filter") return chosen;
  if (node.text == "count") return Value(chosen.size());
  if (node.text == "one") return Value(chosen.size() == 1);
  return Value(node.text != "any");
}

}  // namespace

Result<Value> evaluate_node(const ExpressionNode& node, const Value& result, const Value* element) {
  switch (node.kind) {
    case Node::Kind::kLiteral:
      return node.literal;
    case Node::Kind::kResult:
      return result;
    case Node::Kind::kElement:
      return *element;
    case Node::Kind::kIndex:
      return index(node, result, element);
    case Node::Kind::kUnary:
      return unary(node, result, element);
    case Node::Kind::kBinary:
      return binary(node, result, element);
    case Node::Kind::kCall:
      return call(node, result, element);
    case Node::Kind::kPredicate:
      return predicate(node, result, element);
    case Node::Kind::kConditional: {
      auto condition = evaluate_node(node.children[0], result, element);
      if (!condition) return condition;
      if (!condition->is_bool()) return mismatch(node, "the operator", *condition);
      return evaluate_node(node.children[condition->bool_or(false) ? 1 : 2], result, element);
    }
    case Node::Kind::kList: {
      Value list = Value::array();
      for (const Node& child : node.children) {
        auto item = evaluate_node(child, result, element);
        if (!item) return item;
        list.push_back(std::move(*item));
      }
      return list;
    }
  }
  return Value();
}

Result<bool> Expression::evaluate(const Value& result) const {
  if (auto types = check(result.is_array() ? ResultKind::kList : ResultKind::kNumber); !types)
    return std::unexpected(types.error());
  auto answer = evaluate_node(*root_, result, nullptr);
  if (!answer) return std::unexpected(answer.error());
  if (!answer->is_bool()) return fail("expected bool, but got {}", answer->kind_name());
  return answer->bool_or(false);
}

}  // namespace fairlead::control
