// Conditions of metrics: the part of the expr-lang language that analyses are written in.
//
// Supported, with the meaning that expr-lang 1.17 gives it under Argo Rollouts' environment
// (argo-rollouts/utils/evaluate/evaluate.go):
//   values       result, numbers (10, 1_000, 0.5, 1e-3), "text", 'text', true, false, nil, lists [1, 2]
//   access       result[0], result[-1] (from the end)
//   arithmetic   + - * / % ** ^   ( / always gives a float, % takes integers only)
//   comparison   == != < <= > >= (chains: 0 <= x < 1), in, not in
//   logic        and && or || not !  and  condition ? a : b
//   functions    len(x) isNaN(x) isInf(x) isNil(x) asInt(x) asFloat(x) default(x, y)
//   predicates   all any none one filter count (list, predicate); # is the element
// Everything else of the language is refused when a template is written, with the column where it stands.
// `not` binds tighter than a comparison: write `not (a > b)`.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::control {

struct ExpressionNode;

inline constexpr std::size_t kMaxExpressionLength = 4096;  ///< Bytes.
inline constexpr int kMaxExpressionDepth = 64;

/// Immutable; copies share the tree.
class Expression {
 public:
  /// What `result` is: a scalar query gives a number, a vector or matrix a list of numbers.
  enum class ResultKind : std::uint8_t { kNumber, kList };

  /// Reads `text`. Errors name the column (from 1) and what was found there.
  [[nodiscard]] static Result<Expression> parse(std::string_view text);

  /// Whether the types fit together, branches that would never run included. Upstream finds these errors only when
  /// it measures; a condition that fits neither kind can be refused before.
  [[nodiscard]] Result<> check(ResultKind kind) const;

  /// The condition's answer for `result`: a number or an array of numbers. Wrong types, an index out of range and an
  /// answer that is no boolean are errors.
  [[nodiscard]] Result<bool> evaluate(const Value& result) const;

 private:
  explicit Expression(std::shared_ptr<const ExpressionNode> root) : root_(std::move(root)) {}
  std::shared_ptr<const ExpressionNode> root_;
};

}  // namespace fairlead::control
