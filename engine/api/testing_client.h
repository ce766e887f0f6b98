// An API server in this process and HTTP clients for it: what tests of the HTTP surface stand on.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/api/testing_server.h"
#include "net/http_client.h"

namespace fairlead::api {

inline constexpr std::string_view kMaps = "/api/v1/namespaces/default/configmaps";

struct Answer {
  int code = 0;
  Value body;
  net::Headers headers;
  std::string text;
};

class ServerTest : public testing::Test {
 protected:
  ServerTest() : admin_(options(true)), nobody_(options(false)) {}

  net::ClientOptions options(bool certificate) {
    net::TlsClientOptions tls{.ca = server_.pki().ca, .certificate = {}, .key = {}};
    if (certificate) {
      tls.certificate = server_.pki().admin.certificate;
      tls.key = server_.pki().admin.key;
    }
    net::ClientOptions out;
    out.tls = tls;
    return out;
  }

  net::ClientRequest request(std::string method, std::string_view target, std::string body = {},
                             std::string_view type = "application/json") {
    net::ClientRequest out;
    out.method = std::move(method);
    out.url = *net::Url::parse(server_.url() + std::string(target));
    if (!body.empty()) out.headers.add("Content-Type", type);
    out.body = std::move(body);
    return out;
  }

  Answer send(net::HttpClient& client, net::ClientRequest wanted) {
    auto got = client.fetch(std::move(wanted));
    if (!got) return {.code = 0, .body = {}, .headers = {}, .text = got.error().message};
    auto value = parse_json(got->body);
    return {got->status, value ? std::move(*value) : Value(), got->headers, got->body};
  }
  Answer get(std::string_view target) { return send(admin_, request("GET", target)); }
  Answer post(std::string_view target, std::string body) {
    return send(admin_, request("POST", target, std::move(body)));
  }

  static std::string map(std::string_view name, std::string_view value = "v") {
    return fmt::format(R"({{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{}"}},"data":{{"k":"{}"}}}})",
                       name, value);
  }

  TestingServer server_;
  net::HttpClient admin_;
  net::HttpClient nobody_;
};

}  // namespace fairlead::api
