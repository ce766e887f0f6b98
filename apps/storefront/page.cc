#include "apps/storefront/page.h"

#include <fmt/format.h>

#include "net/http_message.h"

namespace fairlead::storefront {
namespace {

constexpr std::string_view kStyle =
    ":root{color-scheme:light "
    "dark;--ink:#16324f;--line:#d5dde6;--back:#f6f8fa;--card:#fff;--soft:#5b6b7c;--sea:#0b6e99}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--line:#2d3b49;--back:#0f1720;--card:#17222d;--soft:#9aa9b8;"
    "--sea:#59b8e0}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:16px/1.5 system-ui,sans-serif}"
    "header,main,footer{max-width:64rem;margin:0 auto;padding:1.25rem}header a{color:inherit;text-decoration:none}"
    "h1{font-size:1.6rem;margin:.5rem 0}ul{list-style:none;padding:0;margin:0;display:grid;gap:1rem;"
    "grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}"
    "li,article{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem}"
    "h2{font-size:1.1rem;margin:0}h2 a{color:var(--sea)}p{margin:.5rem 0;color:var(--soft)}"
    ".price{color:var(--ink);font-weight:600}footer{color:var(--soft);font-size:.85rem}";

std::string page(std::string_view title, std::string_view body, std::string_view version) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0}</title>\n"
      "<style>{1}</style>\n</head>\n<body>\n<header><a href=\"/\"><strong>Fairlead Chandlery</strong></a></header>\n"
      "<main>\n{2}</main>\n<footer>storefront version {3}</footer>\n</body>\n</html>\n",
      escape_html(title), kStyle, body, escape_html(version));
}

std::string stock_line(const Value& product) {
  const auto stock = product.at("stock").int_or(0);
  return stock > 0 ? fmt::format("{} in stock", stock) : "sold out";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string format_price(const Value& price) {
  const auto cents = price.at("cents").int_or(0);
  return fmt::format("{}{}.{:02} {}", cents < 0 ? "-" : "", std::abs(cents / 100), std::abs(cents % 100),
                     price.at("currency").str());
}

std::string products_page(const Value& catalog, std::string_view version) {
  std::string body = "<h1>Everything for the deck</h1>\n<ul>\n";
  for (const Value& product : catalog.at("products").items()) {
    body += fmt::format("<li><h2><a href=\"/products/{}\">{}</a></h2><p>{}</p><p class=\"price\">{}</p></li>\n",
                        net::percent_encode(product.at("id").str()), escape_html(product.at("name").str()),
                        escape_html(product.at("description").str()), escape_html(format_price(product.at("price"))));
  }
  return page("Fairlead Chandlery", body + "</ul>\n", version);
}

std::string product_page(const Value& product, std::string_view version) {
  const std::string name = escape_html(product.at("name").str());
  const std::string body =
      fmt::format("<article>\n<h1>{}</h1>\n<p>{}</p>\n<p class=\"price\">{}</p>\n<p>{}</p>\n</article>\n", name,
                  escape_html(product.at("description").str()), escape_html(format_price(product.at("price"))),
                  stock_line(product));
  return page(product.at("name").str(), body, version);
}

std::string notice_page(std::string_view title, std::string_view text, std::string_view version) {
  return page(title,
              fmt::format("<article>\n<h1>{}</h1>\n<p>{}</p>\n</article>\n", escape_html(title), escape_html(text)),
              version);
}

}  // namespace fairlead::storefront
