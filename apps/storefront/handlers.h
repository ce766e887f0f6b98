// The storefront's HTTP interface: pages made from what the catalog answers.
#pragma once

#include <chrono>
#include <string>

#include "net/http_client.h"
#include "service/handler.h"

namespace fairlead::storefront {

struct Options {
  net::Url catalog;                          ///< CATALOG_URL
  std::chrono::milliseconds timeout{2'000};  ///< CATALOG_TIMEOUT: the longest wait for the catalog.
  std::string version;
};

/// GET / and GET /products/{id}. `client` outlives the handlers.
[[nodiscard]] service::Handlers make_handlers(const Options& options, net::HttpClient& client);

/// The pure function under both: the catalog's answer, or why there is none, as the visitor's page. A catalog that
/// cannot be reached or is too slow gives 503 and 504, one that answers nonsense or an error of its own 502, each with
/// a page.
[[nodiscard]] net::Response to_page(const net::ClientResult<net::Response>& answer, bool one_product,
                                    std::string_view version);

}  // namespace fairlead::storefront
