#include "apps/storefront/handlers.h"

#include <algorithm>

#include "apps/storefront/page.h"
#include "base/yaml.h"

namespace fairlead::storefront {
namespace {

using Kind = net::ClientError::Kind;

net::Response html(int status, std::string body) {
  net::Response response{
      .status = status, .headers = {{"content-type", "text/html; charset=utf-8"}}, .body = std::move(body)};
  response.headers.add("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
  response.headers.add("x-content-type-options", "nosniff");
  response.headers.add("cache-control", "no-store");
  return response;
}

net::Response unavailable(int status, std::string_view version) {
  auto response = html(status, notice_page("We cannot show the goods right now",
                                           "The catalog does not answer. Please try again in a moment.", version));
  response.headers.add("retry-after", "2");
  return response;
}

/// Asks the catalog for `path` and answers with the page.
class CatalogPage final : public service::Handler {
 public:
  CatalogPage(Options options, net::HttpClient& client, std::string_view route, bool one_product)
      : options_(std::move(options)), client_(client), route_(route), one_product_(one_product) {}

  std::string_view route() const override { return route_; }

  void handle(std::shared_ptr<const service::Call> call, Answer answer) override {
    net::ClientRequest request{.url = options_.catalog};
    request.url.target = "/products";
    if (one_product_) request.url.target += "/" + net::percent_encode(call->parameters.find("id")->second);
    request.headers.add("accept", "application/json");
    call->context.pass_on(request.headers);
    request.timeout = std::max(std::chrono::milliseconds{1}, std::min(options_.timeout, call->context.remaining()));
    client_.send(std::move(request),
                 [one = one_product_, version = options_.version, answer = std::move(answer)](
                     net::ClientResult<net::Response> found) mutable { answer(to_page(found, one, version)); });
  }

 private:
  Options options_;
  net::HttpClient& client_;
  std::string_view route_;
  bool one_product_;
};

}  // namespace

net::Response to_page(const net::ClientResult<net::Response>& answer, bool one_product, std::string_view version) {
  if (!answer) {
    const Kind kind = answer.error().kind;
    if (kind == Kind::kTimeout) return unavailable(504, version);
    return unavailable(kind == Kind::kResolve || kind == Kind::kConnect ? 503 : 502, version);
  }
  if (one_product && answer->status == 404) {
    return html(404, notice_page("Not in our catalog", "There is no such product, or not any more.", version));
  }
  if (answer->status != 200) return unavailable(502, version);
  const auto documents = parse_yaml(answer->body, "catalog");  // JSON is YAML, and libyaml links statically.
  if (!documents || documents->size() != 1) return unavailable(502, version);
  const Value& value = documents->front();
  if (one_product ? !value.at("name").is_string() : !value.at("products").is_array()) return unavailable(502, version);
  return html(200, one_product ? product_page(value, version) : products_page(value, version));
}

service::Handlers make_handlers(const Options& options, net::HttpClient& client) {
  service::Handlers handlers;
  handlers.push_back(std::make_unique<CatalogPage>(options, client, "/", false));
  handlers.push_back(std::make_unique<CatalogPage>(options, client, "/products/{id}", true));
  return handlers;
}

}  // namespace fairlead::storefront
