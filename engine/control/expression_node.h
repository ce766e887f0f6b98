// The syntax tree of a metric's condition. Internal to expression_*.cc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/value.h"
#include "engine/control/expression.h"

namespace fairlead::control {

struct ExpressionNode {
  enum class Kind : std::uint8_t {
    kLiteral,      ///< `literal`
    kResult,       ///< result
    kElement,      ///< # inside a predicate
    kList,         ///< [children]
    kIndex,        ///< children[0][children[1]]
    kUnary,        ///< text children[0]
    kBinary,       ///< children[0] text children[1]
    kConditional,  ///< children[0] ? children[1] : children[2]
    kCall,         ///< text(children)
    kPredicate,    ///< text(children[0], children[1])
  };
  Kind kind = Kind::kLiteral;
  std::string text;  ///< Operator, as its symbol ("&&", "||", "!", "in", "not in"), or function name.
  Value literal;
  std::vector<ExpressionNode> children;
  std::uint32_t column = 0;
};

/// "column 12: …"
[[nodiscard]] Error expression_error(std::uint32_t column, std::string message);

[[nodiscard]] Result<> check_types(const ExpressionNode& root, Expression::ResultKind kind);
[[nodiscard]] Result<Value> evaluate_node(const ExpressionNode& node, const Value& result, const Value* element);

}  // namespace fairlead::control
