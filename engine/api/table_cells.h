// The computed cells of built-in kinds: one Printer per kind. Only table.cc and its table_*.cc include this.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/value.h"

namespace fairlead::api::table {

/// Source: k8s.io/kubernetes/pkg/printers/internalversion/printers.go.
struct Printer {
  std::string_view group;
  std::string_view kind;
  /// One cell for each of Resource::columns.
  Value::Array (*cells)(const Value& object, Time now);
};

[[nodiscard]] std::span<const Printer> workload_printers();
[[nodiscard]] std::span<const Printer> core_printers();
[[nodiscard]] std::span<const Printer> policy_printers();
[[nodiscard]] std::span<const Printer> platform_printers();

/// The time since an RFC 3339 timestamp as people say it; "<unknown>" for none.
[[nodiscard]] std::string since(const Value& timestamp, Time now);
[[nodiscard]] std::string age(const Value& object, Time now);
[[nodiscard]] std::string_view name(const Value& object);
/// `text`, or `otherwise` when it is empty.
[[nodiscard]] std::string or_else(std::string_view text, std::string_view otherwise);
/// A count that is absent while it is zero.
[[nodiscard]] std::int64_t count(const Value& number);
/// "a=b,c=d" in order of key; "<none>" for an empty map.
[[nodiscard]] std::string format_labels(const Value& map);
/// A metav1.LabelSelector as text; "<none>" when it selects everything.
[[nodiscard]] std::string format_selector(const Value& selector);
/// The strings of an array, joined.
[[nodiscard]] std::string join(const Value& array, std::string_view separator);
/// The condition of this type, or null.
[[nodiscard]] const Value& condition(const Value& object, std::string_view type);
[[nodiscard]] bool condition_is_true(const Value& object, std::string_view type);
[[nodiscard]] std::string container_names(const Value& pod_spec);
[[nodiscard]] std::string container_images(const Value& pod_spec);
/// An IntOrString or number as text.
[[nodiscard]] std::string text_of(const Value& value);

}  // namespace fairlead::api::table
