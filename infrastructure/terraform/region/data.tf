# What the services of this region keep here, and who may use it: exactly what environment.json grants.
locals {
  endpoint = {
    location            = var.region
    resource_group_name = azurerm_resource_group.this.name
    subnet_id           = module.spoke.subnet_ids.endpoints
  }
}

# Made by the root global; read for their principal ids, which only Azure knows.
data "azurerm_user_assigned_identity" "this" {
  for_each = local.environment.identities

  name                = each.value.name
  resource_group_name = local.environment.global.resourceGroup
}

module "identities" {
  source = "../modules/identity"

  name   = local.region.cluster
  issuer = module.cluster.oidc_issuer_url

  identities = {
    for name, identity in local.environment.identities : name => {
      id              = "${local.global_group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${identity.name}"
      namespace       = identity.namespace
      service_account = identity.serviceAccount
    }
  }
}

module "key_vault" {
  source = "../modules/key-vault"

  name                     = local.region.keyVault
  location                 = var.region
  resource_group_name      = azurerm_resource_group.this.name
  tenant_id                = local.environment.azure.tenant
  purge_protection_enabled = !local.sandbox
  tags                     = local.tags

  endpoints = {
    "pe-${local.region.keyVault}" = merge(local.endpoint, { dns_zone_id = local.dns_zone_ids.vault })
  }

  readers = {
    for key, grant in local.environment.grants.secrets : key => {
      principal_id = data.azurerm_user_assigned_identity.this[grant.identity].principal_id
      secret       = grant.secret
    }
  }
}

module "queues" {
  source = "../modules/queues"

  name                = local.region.queueAccount
  location            = var.region
  resource_group_name = azurerm_resource_group.this.name
  redundancy          = local.environment.data.queues.redundancy
  queues              = local.environment.queues
  tags                = local.tags

  endpoints = {
    "pe-${local.region.queueAccount}" = merge(local.endpoint, { dns_zone_id = local.dns_zone_ids.queue })
  }

  grants = {
    for key, grant in local.environment.grants.queues : key => {
      principal_id = data.azurerm_user_assigned_identity.this[grant.identity].principal_id
      queue        = grant.queue
      access       = grant.access
    }
  }
}

module "redis" {
  source   = "../modules/redis"
  for_each = local.redis == null ? {} : { (local.region.redis) = local.redis }

  name                      = each.key
  location                  = var.region
  resource_group_name       = azurerm_resource_group.this.name
  sku_name                  = each.value.sku
  high_availability_enabled = each.value.highAvailability
  tags                      = local.tags

  endpoints = {
    "pe-${each.key}" = merge(local.endpoint, { dns_zone_id = local.dns_zone_ids.redisEnterprise })
  }

  principals = {
    for service, grant in local.environment.grants.redis : service => data.azurerm_user_assigned_identity.this[grant.identity].principal_id
  }
}

# Cosmos DB is in the root global; each region reaches it by an endpoint of its own.
module "cosmos_endpoint" {
  source = "../modules/private-endpoint"

  name                = "pe-${local.environment.global.cosmosAccount}-${local.region.code}"
  location            = var.region
  resource_group_name = azurerm_resource_group.this.name
  subnet_id           = module.spoke.subnet_ids.endpoints
  resource_id         = "${local.global_group}/providers/Microsoft.DocumentDB/databaseAccounts/${local.environment.global.cosmosAccount}"
  subresource         = "Sql"
  dns_zone_id         = local.dns_zone_ids.Sql
  tags                = local.tags
}
