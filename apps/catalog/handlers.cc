#include "apps/catalog/handlers.h"

#include "apps/catalog/products.h"
#include "base/json.h"

namespace fairlead::catalog {
namespace {

net::Response json(const Value& value) {
  return {.status = 200, .headers = {{"content-type", "application/json"}}, .body = to_json(value) + "\n"};
}

class ListProducts final : public service::Handler {
 public:
  std::string_view route() const override { return "/products"; }
  void handle(std::shared_ptr<const service::Call> call, Answer answer) override {
    answer(list_response(call->request.query()));
  }
};

class GetProduct final : public service::Handler {
 public:
  std::string_view route() const override { return "/products/{id}"; }
  void handle(std::shared_ptr<const service::Call> call, Answer answer) override {
    answer(product_response(call->parameters.find("id")->second));
  }
};

}  // namespace

net::Response list_response(std::string_view query) {
  std::string category;
  for (const auto& [name, value] : net::parse_query(query)) {
    if (name != "category") return service::json_error(400, "the only parameter is \"category\", not \"" + name + "\"");
    category = value;
  }
  return json(list_products(category));
}

net::Response product_response(std::string_view id) {
  const Product* product = find_product(id);
  return product != nullptr ? json(to_value(*product)) : service::json_error(404, "there is no such product");
}

service::Handlers make_handlers() {
  service::Handlers handlers;
  handlers.push_back(std::make_unique<ListProducts>());
  handlers.push_back(std::make_unique<GetProduct>());
  return handlers;
}

}  // namespace fairlead::catalog
