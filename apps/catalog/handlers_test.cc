#include "apps/catalog/handlers.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "apps/catalog/products.h"
#include "base/json.h"

namespace fairlead::catalog {
namespace {

TEST(Catalog, ListsEverythingOrOneCategory) {
  const Value all = *parse_json(list_response("").body);
  EXPECT_EQ(all.at("products").size(), products().size());
  const Value some = *parse_json(list_response("category=navigation").body);
  ASSERT_EQ(some.at("products").size(), 2U);
  EXPECT_EQ(some.at("products", 0, "id").str(), "compass");
  EXPECT_EQ(parse_json(list_response("category=none").body)->at("products").size(), 0U);
  EXPECT_EQ(list_response("colour=red").status, 400);
}

TEST(Catalog, FindsEveryProductItLists) {
  EXPECT_TRUE(std::ranges::is_sorted(products(), {}, &Product::id));
  for (const Product& product : products()) {
    const net::Response response = product_response(product.id);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(parse_json(response.body)->at("price", "cents").int_or(0), product.price_cents);
  }
}

TEST(Catalog, SaysWhatItDoesNotHave) {
  const net::Response response = product_response("submarine");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(parse_json(response.body)->at("error").str(), "there is no such product");
}

}  // namespace
}  // namespace fairlead::catalog
