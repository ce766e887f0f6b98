// The shop's pages: from the catalog's answer to HTML, without any I/O.
#pragma once

#include <string>
#include <string_view>

#include "base/value.h"

namespace fairlead::storefront {

/// Text that may stand in HTML, in an element or in a quoted attribute.
[[nodiscard]] std::string escape_html(std::string_view text);
/// "24.90 EUR" for {"cents": 2490, "currency": "EUR"}.
[[nodiscard]] std::string format_price(const Value& price);

/// All products; `catalog` is the answer to GET /products.
[[nodiscard]] std::string products_page(const Value& catalog, std::string_view version);
/// One product; `product` is the answer to GET /products/{id}.
[[nodiscard]] std::string product_page(const Value& product, std::string_view version);
/// What a visitor sees instead of a page.
[[nodiscard]] std::string notice_page(std::string_view title, std::string_view text, std::string_view version);

}  // namespace fairlead::storefront
