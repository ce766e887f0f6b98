resource "azurerm_managed_redis" "this" {
  name                      = var.name
  location                  = var.location
  resource_group_name       = var.resource_group_name
  sku_name                  = var.sku_name
  high_availability_enabled = var.high_availability_enabled
  public_network_access     = "Disabled"
  tags                      = var.tags

  default_database {
    # One endpoint on port 10000 that any client can use; the default, OSSCluster, wants cluster-aware ones.
    clustering_policy                  = "EnterpriseCluster"
    client_protocol                    = "Encrypted"
    access_keys_authentication_enabled = false
    eviction_policy                    = "VolatileLRU"
  }
}

resource "azurerm_managed_redis_access_policy_assignment" "this" {
  for_each = var.principals

  managed_redis_id = azurerm_managed_redis.this.id
  object_id        = each.value
}

module "endpoint" {
  source   = "../private-endpoint"
  for_each = var.endpoints

  name                = each.key
  location            = each.value.location
  resource_group_name = each.value.resource_group_name
  subnet_id           = each.value.subnet_id
  resource_id         = azurerm_managed_redis.this.id
  subresource         = "redisEnterprise"
  dns_zone_id         = each.value.dns_zone_id
  tags                = var.tags
}
