resource "azurerm_container_registry" "this" {
  name                          = var.name
  location                      = var.location
  resource_group_name           = var.resource_group_name
  sku                           = "Premium"
  admin_enabled                 = false
  anonymous_pull_enabled        = false
  public_network_access_enabled = false
  data_endpoint_enabled         = true
  zone_redundancy_enabled       = true
  retention_policy_in_days      = var.retention_days
  network_rule_bypass_option    = "None"
  tags                          = var.tags

  dynamic "georeplications" {
    for_each = var.replicas

    content {
      location                        = georeplications.value
      zone_redundancy_enabled         = true
      global_endpoint_routing_enabled = true
      tags                            = var.tags
    }
  }
}

resource "azurerm_container_registry_cache_rule" "this" {
  for_each = var.cache_rules

  name                  = replace(each.key, "/", "-")
  container_registry_id = azurerm_container_registry.this.id
  target_repo           = each.key
  source_repo           = each.value
}
