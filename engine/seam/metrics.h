// Where analyses get their numbers from.
#pragma once

#include <string>

#include "base/time.h"
#include "base/value.h"
#include "engine/seam/executor.h"

namespace fairlead::seam {

class Metrics {
 public:
  virtual ~Metrics() = default;
  /// Evaluates a PromQL instant query at `at` against the server at `address` (empty: the cluster's own). The answer is
  /// the `data` of Prometheus' /api/v1/query: {"resultType": "vector" | "scalar" | "matrix", "result": …}.
  virtual void query(std::string address, std::string text, Time at, Done<Value> done) = 0;
};

}  // namespace fairlead::seam
