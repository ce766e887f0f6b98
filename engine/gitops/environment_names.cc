#include "engine/gitops/environment_names.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace fairlead::gitops {
namespace {

constexpr std::size_t kHashDigits = 5;

}  // namespace

EnvironmentNames::EnvironmentNames(const Value& document)
    : name_(document.at("environment", "name").str()),
      prefix_(document.at("azure", "prefix").str()),
      stem_(prefix_ + "-" + name_),
      hash_(
          sha256_hex(fmt::format("{}/{}", document.at("azure", "subscription").str(), stem_)).substr(0, kHashDigits)) {}

Value EnvironmentNames::foundation() const {
  return Value::object(
      {{"resourceGroup", "rg-" + stem_ + "-foundation"}, {"stateAccount", "st" + name_ + "state" + hash_}});
}

Value EnvironmentNames::hub(std::string_view code) const {
  const std::string stem = fmt::format("{}-hub-{}", stem_, code);
  return Value::object({{"network", "vnet-" + stem},
                        {"dnsResourceGroup", "rg-" + stem + "-dns"},
                        {"firewall", "afw-" + stem},
                        {"firewallPolicy", "afwp-" + stem}});
}

Value EnvironmentNames::runners() const {
  return Value::object({{"label", stem_},
                        {"environment", "cae-" + stem_},
                        {"job", "caj-" + stem_},
                        {"identity", identity("runners")},
                        {"keyVault", fmt::format("kv-{}-run-{}", name_, hash_)},
                        {"secret", "github-app-key"}});
}

Value EnvironmentNames::global() const {
  return Value::object({{"resourceGroup", "rg-" + stem_ + "-global"},
                        {"cosmosAccount", fmt::format("cosmos-{}-{}", stem_, hash_)},
                        {"keyVault", fmt::format("kv-{}-{}", name_, hash_)},
                        {"certificate", "origin"},
                        {"applicationGatewayIdentity", identity("application-gateway")},
                        {"frontDoor", "afd-" + stem_},
                        {"frontDoorEndpoint", stem_},
                        {"frontDoorPolicy", "waf" + prefix_ + name_}});
}

Value EnvironmentNames::region(std::string_view code) const {
  const std::string stem = fmt::format("{}-{}", stem_, code);
  return Value::object({{"code", code},
                        {"resourceGroup", "rg-" + stem},
                        {"nodeResourceGroup", "rg-" + stem + "-nodes"},
                        {"network", "vnet-" + stem},
                        {"cluster", "aks-" + stem},
                        {"redis", fmt::format("redis-{}-{}", stem, hash_)},
                        {"queueAccount", fmt::format("st{}{}{}", name_, code, hash_)},
                        {"keyVault", fmt::format("kv-{}-{}-{}", name_, code, hash_)},
                        {"applicationGateway", "agw-" + stem},
                        {"logWorkspace", "log-" + stem}});
}

}  // namespace fairlead::gitops
