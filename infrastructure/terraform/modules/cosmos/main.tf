locals {
  # Cosmos DB's built-in data-plane roles.
  roles = {
    read  = "00000000-0000-0000-0000-000000000001"
    write = "00000000-0000-0000-0000-000000000002"
  }
}

resource "azurerm_cosmosdb_account" "this" {
  name                = var.name
  location            = var.location
  resource_group_name = var.resource_group_name
  offer_type          = "Standard"
  kind                = "GlobalDocumentDB"
  tags                = var.tags

  local_authentication_enabled          = false
  access_key_metadata_writes_enabled    = false
  public_network_access_enabled         = false
  network_acl_bypass_for_azure_services = false
  automatic_failover_enabled            = !var.multiple_writes
  multiple_write_locations_enabled      = var.multiple_writes
  minimal_tls_version                   = "Tls12"

  consistency_policy {
    consistency_level = var.consistency

    # With several regions Azure takes no tighter bounds, and the provider's defaults are for one.
    max_interval_in_seconds = var.consistency == "BoundedStaleness" ? 300 : null
    max_staleness_prefix    = var.consistency == "BoundedStaleness" ? 100000 : null
  }

  dynamic "geo_location" {
    for_each = { for order, region in var.regions : region.location => merge(region, { order = order }) }

    content {
      location          = geo_location.key
      failover_priority = geo_location.value.order
      zone_redundant    = geo_location.value.zone_redundant
    }
  }

  backup {
    type = "Continuous"
    tier = var.backup_tier
  }
}

resource "azurerm_cosmosdb_sql_database" "this" {
  for_each = toset([for container in var.containers : container.database])

  name                = each.key
  resource_group_name = var.resource_group_name
  account_name        = azurerm_cosmosdb_account.this.name
}

resource "azurerm_cosmosdb_sql_container" "this" {
  for_each = var.containers

  name                  = each.value.name
  resource_group_name   = var.resource_group_name
  account_name          = azurerm_cosmosdb_account.this.name
  database_name         = azurerm_cosmosdb_sql_database.this[each.value.database].name
  partition_key_paths   = [each.value.partition_key]
  partition_key_version = 2
  default_ttl           = each.value.ttl_seconds
  throughput            = each.value.mode == "provisioned" ? each.value.request_units : null

  dynamic "autoscale_settings" {
    for_each = each.value.mode == "autoscale" ? { this = each.value.request_units } : {}

    content {
      max_throughput = autoscale_settings.value
    }
  }
}

resource "azurerm_cosmosdb_sql_role_assignment" "this" {
  for_each = var.grants

  # The same grant has the same name whenever it is made.
  name                = uuidv5("url", "${azurerm_cosmosdb_account.this.name}/${each.key}")
  resource_group_name = var.resource_group_name
  account_name        = azurerm_cosmosdb_account.this.name
  role_definition_id  = "${azurerm_cosmosdb_account.this.id}/sqlRoleDefinitions/${local.roles[each.value.access]}"
  principal_id        = each.value.principal_id
  scope               = "${azurerm_cosmosdb_account.this.id}/dbs/${azurerm_cosmosdb_sql_container.this[each.value.container].database_name}/colls/${azurerm_cosmosdb_sql_container.this[each.value.container].name}"
}
