// The catalog's HTTP interface.
#pragma once

#include "service/handler.h"

namespace fairlead::catalog {

/// GET /products[?category=…] and GET /products/{id}.
[[nodiscard]] service::Handlers make_handlers();

/// The pure functions under them.
[[nodiscard]] net::Response list_response(std::string_view query);
[[nodiscard]] net::Response product_response(std::string_view id);

}  // namespace fairlead::catalog
