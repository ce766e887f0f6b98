#include "apps/catalog/products.h"

#include <algorithm>
#include <array>

namespace fairlead::catalog {
namespace {

constexpr std::array<Product, 8> kProducts = {{
    {"anchor", "Bruce anchor", "Five kilograms of galvanised steel that hold in sand and mud.", "mooring", 8990, 14},
    {"block", "Swivel block", "Ball bearings, 57 mm, for the mainsheet.", "rigging", 4550, 31},
    {"cleat", "Horn cleat", "Anodised aluminium, 150 mm, with two bolts.", "mooring", 1290, 120},
    {"compass", "Bulkhead compass", "Lit at night, readable from both sides.", "navigation", 14900, 7},
    {"fairlead", "Bow fairlead", "Guides a rope so that it runs straight under load.", "mooring", 2490, 64},
    {"fender", "Cylindrical fender", "Soft vinyl, 18 by 58 cm, with an eye at each end.", "mooring", 1990, 85},
    {"lantern", "Anchor light", "LED, 2 nautical miles, switches itself on at dusk.", "navigation", 3980, 22},
    {"rope", "Mooring rope", "Polyester, 14 mm, 10 m, with a spliced eye.", "mooring", 2750, 200},
}};

}  // namespace

std::span<const Product> products() { return kProducts; }

const Product* find_product(std::string_view id) {
  const auto found = std::ranges::lower_bound(kProducts, id, {}, &Product::id);
  return found != kProducts.end() && found->id == id ? &*found : nullptr;
}

Value to_value(const Product& product) {
  return Value::object({{"id", product.id},
                        {"name", product.name},
                        {"description", product.description},
                        {"category", product.category},
                        {"price", Value::object({{"cents", product.price_cents}, {"currency", "EUR"}})},
                        {"stock", product.stock}});
}

Value list_products(std::string_view category) {
  Value list = Value::array();
  for (const Product& product : kProducts) {
    if (category.empty() || product.category == category) list.push_back(to_value(product));
  }
  return Value::object({{"products", std::move(list)}});
}

}  // namespace fairlead::catalog
