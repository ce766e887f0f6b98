// Label and field selectors.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace fairlead::api {

/// A conjunction of requirements on labels. The default one selects everything.
/// Source: k8s.io/apimachinery/pkg/labels/selector.go.
class Selector {
 public:
  struct Requirement {
    enum class Op { kIn, kNotIn, kExists, kDoesNotExist, kGreater, kLess };
    std::string key;
    Op op = Op::kIn;
    std::vector<std::string> values;
  };

  Selector() = default;
  /// "app=web,tier in (a, b),!canary"
  [[nodiscard]] static Result<Selector> parse(std::string_view text);
  /// A metav1.LabelSelector: null selects nothing, {} everything.
  [[nodiscard]] static Result<Selector> from_label_selector(const Value& selector);
  /// A map of equalities, as in Service.spec.selector.
  [[nodiscard]] static Selector from_map(const Value& map);
  [[nodiscard]] static Selector nothing();

  [[nodiscard]] bool matches(const Value& labels) const;
  [[nodiscard]] bool selects_everything() const { return !nothing_ && requirements_.empty(); }
  /// "app=web,tier in (a,b)"; what the scale subresource reports.
  [[nodiscard]] std::string to_string() const;

 private:
  std::vector<Requirement> requirements_;
  bool nothing_ = false;
};

/// "metadata.name=a,status.phase!=Running": paths into the object, compared as strings.
class FieldSelector {
 public:
  struct Term {
    std::string label;              ///< As it was written: "status.phase".
    std::vector<std::string> path;  ///< The label's steps, unless somebody knows better.
    std::string value;
    std::string absent{};  ///< What a field that is not there counts as.
    bool equal = true;

    /// Looks at another place: "source.component".
    void follow(std::string_view dotted);
  };

  [[nodiscard]] static Result<FieldSelector> parse(std::string_view text);
  [[nodiscard]] bool matches(const Value& object) const;
  [[nodiscard]] bool selects_everything() const { return terms_.empty(); }
  [[nodiscard]] std::vector<Term>& terms() { return terms_; }

 private:
  std::vector<Term> terms_;
};

}  // namespace fairlead::api
