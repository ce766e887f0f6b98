// storefront: the shop's pages, made from the catalog.
#include "apps/storefront/handlers.h"
#include "service/service.h"

int main() {
  using namespace fairlead;
  return service::run("storefront", [](service::Config& config, service::Platform& platform) -> service::Handlers {
    storefront::Options options;
    const auto url = net::Url::parse(config.text("CATALOG_URL", "http://catalog.shop.svc.cluster.local"));
    if (!url || url->tls) {
      config.reject("CATALOG_URL", url ? "https is not spoken to the catalog yet" : url.error().message);
      return {};
    }
    options.catalog = *url;
    options.timeout = config.duration("CATALOG_TIMEOUT", options.timeout);
    options.version = platform.settings.version;
    return storefront::make_handlers(options, platform.client);
  });
}
