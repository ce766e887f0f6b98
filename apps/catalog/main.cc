// catalog: the products, as JSON.
#include "apps/catalog/handlers.h"
#include "service/service.h"

int main() {
  return fairlead::service::run("catalog", [](fairlead::service::Config&, fairlead::service::Platform&) {
    return fairlead::catalog::make_handlers();
  });
}
