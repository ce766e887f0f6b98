#include "engine/world/prometheus_metrics.h"

#include "base/json.h"
#include "net/http_message.h"

namespace fairlead::world {
namespace {

constexpr std::chrono::milliseconds kQueryTimeout{10'000};
constexpr std::size_t kQuotedBody = 200;

}  // namespace

Result<Value> read_query_answer(int status, std::string_view body) {
  auto answer = parse_json(body);
  if (!answer)
    return fail("Prometheus answered {} with something that is not JSON: {}", status, body.substr(0, kQuotedBody));
  if (answer->at("status").str() != "success") {
    return fail("{}: {}", answer->at("errorType").string_or("error"), answer->at("error").string_or("no reason given"));
  }
  return answer->at("data");
}

PrometheusMetrics::PrometheusMetrics(seam::Executor& control, std::function<std::string(std::string_view)> address_of)
    : control_(control), address_of_(std::move(address_of)) {}

void PrometheusMetrics::query(std::string address, std::string text, Time at, seam::Done<Value> done) {
  if (address.empty()) address = kClusterPrometheus;
  while (address.ends_with('/')) address.pop_back();
  auto url = net::Url::parse(address + "/api/v1/query");
  if (!url) {
    control_.post([done = std::move(done), error = url.error()]() mutable { done(std::unexpected(std::move(error))); });
    return;
  }
  net::ClientRequest request;
  request.method = "POST";
  request.connect_to = address_of_(url->host);
  request.url = std::move(*url);
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.body = fmt::format("query={}&time={:.3f}", net::percent_encode(text),
                             static_cast<double>(at.time_since_epoch().count()) / 1000.0);
  request.timeout = kQueryTimeout;
  client_.send(std::move(request), [this, done = std::move(done)](net::ClientResult<net::Response> response) mutable {
    Result<Value> result = response ? read_query_answer(response->status, response->body)
                                    : Result<Value>(fail("Prometheus cannot be reached: {}", response.error().message));
    control_.post([done = std::move(done), result = std::move(result)]() mutable { done(std::move(result)); });
  });
}

}  // namespace fairlead::world
