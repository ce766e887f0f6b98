module "environment" {
  source = "../modules/environment"

  name = var.environment
  root = "global"
}

locals {
  environment = module.environment.value
  global      = local.environment.global
  tags        = local.environment.tags
  sandbox     = local.environment.environment.class == "sandbox"
  edge        = try(local.environment.edge, null)

  # The primary first, the others by name: the order of failover does not depend on the order in the file.
  primary = one([for name, region in local.environment.regions : name if region.primary])
  regions = concat([local.primary], sort([for name, region in local.environment.regions : name if !region.primary]))
}

resource "azurerm_resource_group" "this" {
  name     = local.global.resourceGroup
  location = local.global.location
  tags     = local.tags
}

# Who the services and add-ons are; each region lets its cluster's service accounts become them.
resource "azurerm_user_assigned_identity" "this" {
  for_each = local.environment.identities

  name                = each.value.name
  location            = azurerm_resource_group.this.location
  resource_group_name = azurerm_resource_group.this.name
  tags                = local.tags
}

module "cosmos" {
  source = "../modules/cosmos"

  name                = local.global.cosmosAccount
  location            = azurerm_resource_group.this.location
  resource_group_name = azurerm_resource_group.this.name
  multiple_writes     = local.environment.data.cosmos.writes == "multi"
  consistency         = local.environment.data.cosmos.consistency
  backup_tier         = "Continuous${local.environment.backup.cosmosDays}Days"
  tags                = local.tags

  regions = [
    for region in local.regions : {
      location       = region
      zone_redundant = length(local.environment.regions[region].zones) > 1
    }
  ]

  containers = {
    for key, container in local.environment.containers : key => {
      database      = container.database
      name          = container.name
      partition_key = container.partitionKey
      ttl_seconds   = try(container.ttlSeconds, null)
      mode          = container.mode
      request_units = container.requestUnits
    }
  }

  grants = {
    for key, grant in local.environment.grants.containers : key => {
      principal_id = azurerm_user_assigned_identity.this[grant.identity].principal_id
      container    = grant.container
      access       = grant.access
    }
  }
}

# What only an environment with an edge has.
resource "azurerm_user_assigned_identity" "application_gateway" {
  for_each = local.edge == null ? {} : { application-gateway = local.global.applicationGatewayIdentity }

  name                = each.value
  location            = azurerm_resource_group.this.location
  resource_group_name = azurerm_resource_group.this.name
  tags                = local.tags
}

# The certificate of Application Gateways and the clusters' Gateways. Key Vault renews it from its authority; the
# gateways look for a new version by themselves, External Secrets brings it into the clusters.
module "key_vault" {
  source   = "../modules/key-vault"
  for_each = local.edge == null ? {} : { (local.global.keyVault) = local.global.certificate }

  name                     = each.key
  location                 = azurerm_resource_group.this.location
  resource_group_name      = azurerm_resource_group.this.name
  tenant_id                = local.environment.azure.tenant
  purge_protection_enabled = !local.sandbox
  tags                     = local.tags
  endpoints                = {} # One in each region.

  readers = {
    application-gateway = {
      principal_id = azurerm_user_assigned_identity.application_gateway["application-gateway"].principal_id
      secret       = each.value
    }
    external-secrets = {
      principal_id = azurerm_user_assigned_identity.this["external-secrets"].principal_id
      secret       = each.value
    }
  }
}

module "front_door" {
  source   = "../modules/front-door"
  for_each = local.edge == null ? {} : { (local.global.frontDoor) = local.edge }

  name                = each.key
  endpoint_name       = local.global.frontDoorEndpoint
  policy_name         = local.global.frontDoorPolicy
  resource_group_name = azurerm_resource_group.this.name
  waf                 = each.value.waf
  tags                = local.tags
}

# What the environment may cost, by its tag: the contacts hear of it before it is spent.
resource "azurerm_consumption_budget_subscription" "this" {
  name            = local.global.resourceGroup
  subscription_id = "/subscriptions/${local.environment.azure.subscription}"
  amount          = local.environment.owner.budget.monthly
  time_grain      = "Monthly"

  time_period {
    start_date = "${local.environment.owner.budget.from}T00:00:00Z"
  }

  filter {
    tag {
      name   = "environment"
      values = [var.environment]
    }
  }

  notification {
    operator       = "GreaterThan"
    threshold      = 80
    threshold_type = "Actual"
    contact_emails = local.environment.owner.contacts
  }

  notification {
    operator       = "GreaterThan"
    threshold      = 100
    threshold_type = "Forecasted"
    contact_emails = local.environment.owner.contacts
  }
}
