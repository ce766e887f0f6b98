# Closed, but for services of Microsoft's that it trusts: Defender scans what is pushed, and `az acr import` brings images in.
resource "azurerm_container_registry" "this" {
  name                          = var.name
  location                      = var.location
  resource_group_name           = var.resource_group_name
  sku                           = "Premium"
  admin_enabled                 = false
  anonymous_pull_enabled        = false
  public_network_access_enabled = false
  data_endpoint_enabled         = true
  zone_redundancy_enabled       = var.zone_redundancy_enabled
  retention_policy_in_days      = var.retention_days
  network_rule_bypass_option    = "AzureServices"
  tags                          = var.tags

  dynamic "georeplications" {
    for_each = var.replicas

    content {
      location                        = georeplications.key
      zone_redundancy_enabled         = georeplications.value.zone_redundancy_enabled
      global_endpoint_routing_enabled = true
      tags                            = var.tags
    }
  }
}

resource "azurerm_container_registry_cache_rule" "this" {
  for_each = var.cache_rules

  # At most 49 characters: a longer name ends in its hash.
  name                  = length(each.key) < 50 ? replace(each.key, "/", "-") : "${replace(substr(each.key, 0, 40), "/", "-")}-${substr(sha256(each.key), 0, 8)}"
  container_registry_id = azurerm_container_registry.this.id
  target_repo           = each.key
  source_repo           = each.value
}
