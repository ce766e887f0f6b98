// The types of a condition before it runs, as expr-lang's checker sees them (expr/checker/checker.go).
#include <initializer_list>
#include <optional>

#include "engine/control/expression_node.h"

namespace fairlead::control {
namespace {

using Node = ExpressionNode;

enum class Base : std::uint8_t { kUnknown, kNil, kBool, kInt, kFloat, kString, kList };

struct Type {
  Base base = Base::kUnknown;
  Base element = Base::kUnknown;  ///< Of a list.

  [[nodiscard]] bool unknown() const { return base == Base::kUnknown; }
  [[nodiscard]] bool number() const { return base == Base::kInt || base == Base::kFloat; }
  [[nodiscard]] bool one_of(std::initializer_list<Base> bases) const {
    for (const Base b : bases)
      if (b == base) return true;
    return false;
  }
};

std::string_view name_of(Base base) {
  switch (base) {
    case Base::kNil:
      return "nil";
    case Base::kBool:
      return "boolean";
    case Base::kInt:
      return "integer";
    case Base::kFloat:
      return "number";
    case Base::kString:
      return "text";
    case Base::kList:
      return "list";
    case Base::kUnknown:
      break;
  }
  return "value of unknown type";
}

/// One side is unknown, and the other unknown or one of `bases`.
bool may_fit(Type a, Type b, std::initializer_list<Base> bases) {
  return (a.unknown() && (b.unknown() || b.one_of(bases))) || (b.unknown() && a.one_of(bases));
}

bool comparable(Type a, Type b) {
  return a.unknown() || b.unknown() || a.base == Base::kNil || b.base == Base::kNil || (a.number() && b.number()) ||
         a.base == b.base;
}

class Checker {
 public:
  explicit Checker(Expression::ResultKind kind) : kind_(kind) {}

  Result<Type> visit(const Node& node) {
    switch (node.kind) {
      case Node::Kind::kLiteral:
        return literal(node.literal);
      case Node::Kind::kResult:
        return kind_ == Expression::ResultKind::kNumber ? Type{Base::kFloat} : Type{Base::kList, Base::kFloat};
      case Node::Kind::kElement:
        return Type{elements_.back()};
      case Node::Kind::kList:
        return list(node);
      case Node::Kind::kIndex:
        return index(node);
      case Node::Kind::kUnary:
        return unary(node);
      case Node::Kind::kBinary:
        return binary(node);
      case Node::Kind::kConditional:
        return conditional(node);
      case Node::Kind::kCall:
        return call(node);
      case Node::Kind::kPredicate:
        return predicate(node);
    }
    return Type{};
  }

 private:
  static Type literal(const Value& value) {
    if (value.is_bool()) return {Base::kBool};
    if (value.is_int()) return {Base::kInt};
    if (value.is_double()) return {Base::kFloat};
    if (value.is_string()) return {Base::kString};
    return {Base::kNil};
  }

  Result<Type> list(const Node& node) {
    Type all{Base::kList};
    bool same = true;
    for (std::size_t i = 0; i < node.children.size(); ++i) {
      auto item = visit(node.children[i]);
      if (!item) return item;
      if (i > 0 && item->base != all.element) same = false;
      all.element = item->base;
    }
    if (!same) all.element = Base::kUnknown;
    return all;
  }

  Result<Type> index(const Node& node) {
    auto base = visit(node.children[0]);
    if (!base) return base;
    auto at = visit(node.children[1]);
    if (!at) return at;
    if (base->unknown()) return Type{};
    if (base->base != Base::kList)
      return std::unexpected(expression_error(node.column, fmt::format("a {} has no elements", name_of(base->base))));
    if (at->base != Base::kInt && !at->unknown())
      return std::unexpected(
          expression_error(node.column, fmt::format("an index is an integer, not a {}", name_of(at->base))));
    return Type{base->element};
  }

  Result<Type> unary(const Node& node) {
    auto operand = visit(node.children[0]);
    if (!operand) return operand;
    if (node.text == "!") {
      if (operand->base == Base::kBool || operand->unknown()) return Type{Base::kBool};
    } else if (operand->number() || operand->unknown()) {
      return operand;
    }
    return std::unexpected(
        expression_error(node.column, fmt::format("{} does not work on a {}", node.text, name_of(operand->base))));
  }

  Result<Type> binary(const Node& node) {
    auto left = visit(node.children[0]);
    if (!left) return left;
    auto right = visit(node.children[1]);
    if (!right) return right;
    if (auto type = combine(node.text, *left, *right)) return *type;
    return std::unexpected(expression_error(
        node.column,
        fmt::format("{} does not work between a {} and a {}", node.text, name_of(left->base), name_of(right->base))));
  }

  static std::optional<Type> combine(std::string_view op, Type a, Type b) {
    const Type truth{Base::kBool};
    const bool numbers = a.number() && b.number();
    const bool texts = a.base == Base::kString && b.base == Base::kString;
    const Type wider{a.base == Base::kFloat || b.base == Base::kFloat ? Base::kFloat : Base::kInt};
    if (op == "==" || op == "!=") return comparable(a, b) ? std::optional(truth) : std::nullopt;
    if (op == "&&" || op == "||") {
      const bool fits = (a.base == Base::kBool && b.base == Base::kBool) || may_fit(a, b, {Base::kBool});
      return fits ? std::optional(truth) : std::nullopt;
    }
    if (op == "<" || op == ">" || op == "<=" || op == ">=") {
      const bool fits = numbers || texts || may_fit(a, b, {Base::kInt, Base::kFloat, Base::kString});
      return fits ? std::optional(truth) : std::nullopt;
    }
    if (op == "in" || op == "not in") {
      if (b.base == Base::kList) return comparable(a, Type{b.element}) ? std::optional(truth) : std::nullopt;
      const bool fits = b.unknown() || (a.unknown() && b.base == Base::kString);
      return fits ? std::optional(truth) : std::nullopt;
    }
    if (op == "%") {
      const bool fits = (a.base == Base::kInt && b.base == Base::kInt) || may_fit(a, b, {Base::kInt});
      return fits ? std::optional(Type{Base::kInt}) : std::nullopt;
    }
    const bool perhaps = may_fit(a, b, {Base::kInt, Base::kFloat});
    if (op == "/" || op == "**" || op == "^")
      return numbers || perhaps ? std::optional(Type{Base::kFloat}) : std::nullopt;
    if (numbers) return wider;
    if (op == "+" && texts) return Type{Base::kString};
    if (perhaps || (op == "+" && may_fit(a, b, {Base::kString}))) return Type{};
    return std::nullopt;
  }

  Result<Type> conditional(const Node& node) {
    auto condition = visit(node.children[0]);
    if (!condition) return condition;
    if (condition->base != Base::kBool && !condition->unknown())
      return std::unexpected(
          expression_error(node.column, fmt::format("the condition before ? is a {}", name_of(condition->base))));
    auto yes = visit(node.children[1]);
    if (!yes) return yes;
    auto no = visit(node.children[2]);
    if (!no) return no;
    if (yes->base == Base::kNil) return no;
    if (no->base == Base::kNil) return yes;
    if (yes->base != no->base) return Type{};
    if (yes->element != no->element) yes->element = Base::kUnknown;
    return yes;
  }

  Result<Type> call(const Node& node) {
    std::vector<Type> types;
    for (const Node& child : node.children) {
      auto type = visit(child);
      if (!type) return type;
      types.push_back(*type);
    }
    const auto wrong = [&] {
      return std::unexpected(
          expression_error(node.column, fmt::format("{} does not take a {}", node.text, name_of(types[0].base))));
    };
    if (node.text == "len") {
      if (!types[0].unknown() && !types[0].one_of({Base::kList, Base::kString})) return wrong();
      return Type{Base::kInt};
    }
    if (node.text == "isNaN" || node.text == "isInf") {
      if (!types[0].unknown() && !types[0].number()) return wrong();
      return Type{Base::kBool};
    }
    if (node.text == "isNil") return Type{Base::kBool};
    if (node.text == "asInt") return Type{Base::kInt};
    if (node.text == "asFloat") return Type{Base::kFloat};
    return Type{};
  }

  Result<Type> predicate(const Node& node) {
    auto list = visit(node.children[0]);
    if (!list) return list;
    if (list->base != Base::kList && !list->unknown())
      return std::unexpected(
          expression_error(node.column, fmt::format("{} takes a list, not a {}", node.text, name_of(list->base))));
    elements_.push_back(list->base == Base::kList ? list->element : Base::kUnknown);
    auto answer = visit(node.children[1]);
    elements_.pop_back();
    if (!answer) return answer;
    if (answer->base != Base::kBool && !answer->unknown())
      return std::unexpected(
          expression_error(node.column, fmt::format("the predicate of {} is a {}", node.text, name_of(answer->base))));
    if (node.text == "filter") return Type{Base::kList, list->element};
    return Type{node.text == "count" ? Base::kInt : Base::kBool};
  }

  Expression::ResultKind kind_;
  std::vector<Base> elements_;
};

}  // namespace

Result<> check_types(const ExpressionNode& root, Expression::ResultKind kind) {
  auto type = Checker(kind).visit(root);
  if (!type) return std::unexpected(type.error());
  return {};
}

Result<> Expression::check(ResultKind kind) const { return check_types(*root_, kind); }

}  // namespace fairlead::control
