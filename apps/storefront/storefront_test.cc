#include <gtest/gtest.h>

#include "apps/storefront/handlers.h"
#include "apps/storefront/page.h"

namespace fairlead::storefront {
namespace {

using Kind = net::ClientError::Kind;

net::ClientResult<net::Response> answered(int status, std::string body) {
  return net::Response{.status = status, .body = std::move(body)};
}

TEST(Page, EscapesWhateverTheCatalogSays) {
  const std::string evil = R"({"products":[{"id":"a/\"><b>","name":"<script>alert('x')</script>",)"
                           R"("description":"a & b","price":{"cents":5,"currency":"<i>"}}]})";
  const auto response = to_page(answered(200, evil), false, "<v>");
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.body.find("<script>"), std::string::npos);
  EXPECT_EQ(response.body.find("<b>"), std::string::npos);
  EXPECT_NE(response.body.find("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"), std::string::npos);
  EXPECT_NE(response.body.find("href=\"/products/a%2F%22%3E%3Cb%3E\""), std::string::npos);
  EXPECT_NE(response.body.find("a &amp; b"), std::string::npos);
  EXPECT_NE(response.body.find("0.05 &lt;i&gt;"), std::string::npos);
  EXPECT_NE(response.body.find("version &lt;v&gt;"), std::string::npos);
}

TEST(Page, ShowsTheVersionAndOneProduct) {
  const auto response =
      to_page(answered(200, R"({"name":"Rope","price":{"cents":2750,"currency":"EUR"},"stock":0})"), true, "1.4.2");
  EXPECT_EQ(response.status, 200);
  EXPECT_NE(response.body.find("27.50 EUR"), std::string::npos);
  EXPECT_NE(response.body.find("sold out"), std::string::npos);
  EXPECT_NE(response.body.find("storefront version 1.4.2"), std::string::npos);
}

TEST(Page, EveryFailureOfTheCatalogHasItsStatusAndAPage) {
  const auto failed = [](Kind kind) {
    return to_page(std::unexpected(net::ClientError{kind, "why"}), false, "1").status;
  };
  EXPECT_EQ(failed(Kind::kResolve), 503);
  EXPECT_EQ(failed(Kind::kConnect), 503);
  EXPECT_EQ(failed(Kind::kTimeout), 504);
  EXPECT_EQ(failed(Kind::kClosed), 502);
  EXPECT_EQ(to_page(answered(500, ""), false, "1").status, 502);
  EXPECT_EQ(to_page(answered(200, "no json {"), false, "1").status, 502);
  EXPECT_EQ(to_page(answered(200, R"({"products":7})"), false, "1").status, 502);
  EXPECT_EQ(to_page(answered(404, ""), true, "1").status, 404);
  EXPECT_EQ(to_page(answered(404, ""), false, "1").status, 502);
  EXPECT_NE(to_page(answered(500, ""), false, "1").body.find("try again"), std::string::npos);
}

TEST(Page, FormatsPrices) {
  EXPECT_EQ(format_price(Value::object({{"cents", 5}, {"currency", "EUR"}})), "0.05 EUR");
  EXPECT_EQ(format_price(Value::object({{"cents", -150}, {"currency", "EUR"}})), "-1.50 EUR");
}

}  // namespace
}  // namespace fairlead::storefront
