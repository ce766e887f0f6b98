// The Metrics seam over Prometheus' HTTP API.
#pragma once

#include <functional>
#include <string>

#include "engine/seam/metrics.h"
#include "net/http_client.h"

namespace fairlead::world {

inline constexpr std::string_view kClusterPrometheus = "http://prometheus.monitoring.svc.cluster.local:9090";

class PrometheusMetrics final : public seam::Metrics {
 public:
  /// `address_of` turns a host name into an IP address, or an empty string when it is not the cluster's own; it is
  /// called on the control thread, where answers come back too.
  PrometheusMetrics(seam::Executor& control, std::function<std::string(std::string_view host)> address_of);

  void query(std::string address, std::string text, Time at, seam::Done<Value> done) override;

 private:
  seam::Executor& control_;
  std::function<std::string(std::string_view)> address_of_;
  net::HttpClient client_;
};

/// `data` of an answer of /api/v1/query, or the error that it tells of.
[[nodiscard]] Result<Value> read_query_answer(int status, std::string_view body);

}  // namespace fairlead::world
