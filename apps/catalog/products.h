// The shop's goods.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/value.h"

namespace fairlead::catalog {

struct Product {
  std::string_view id;
  std::string_view name;
  std::string_view description;
  std::string_view category;
  std::int64_t price_cents = 0;
  std::int64_t stock = 0;
};

/// Ordered by id.
[[nodiscard]] std::span<const Product> products();
/// Null when there is none.
[[nodiscard]] const Product* find_product(std::string_view id);
/// {"id", "name", "description", "category", "price": {"cents", "currency"}, "stock"}
[[nodiscard]] Value to_value(const Product& product);
/// {"products": [...]}: those of `category`, or all of them when it is empty.
[[nodiscard]] Value list_products(std::string_view category);

}  // namespace fairlead::catalog
