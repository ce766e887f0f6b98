module "environment" {
  source = "../modules/environment"

  name = var.environment
  root = "foundation"
}

# What the subscription must know before anything else: all that follows waits for the group, and the group for this.
resource "azurerm_resource_provider_registration" "this" {
  for_each = local.resource_providers

  name = each.key

  lifecycle {
    # Features that Azure or others registered are theirs: the provider would unregister what is not named here.
    ignore_changes = [feature]
  }
}

# Nodes encrypt their disks' cache and temporary disks on the host.
resource "azurerm_resource_provider_registration" "compute" {
  name = "Microsoft.Compute"

  feature {
    name       = "EncryptionAtHost"
    registered = true
  }
}

resource "azurerm_resource_group" "this" {
  name     = local.foundation.resourceGroup
  location = local.foundation.location
  tags     = local.tags

  depends_on = [azurerm_resource_provider_registration.this]
}

# The state of every root: Entra only, versioned, and closed once the hub's endpoint is there.
resource "azurerm_storage_account" "state" {
  name                            = local.foundation.stateAccount
  location                        = azurerm_resource_group.this.location
  resource_group_name             = azurerm_resource_group.this.name
  account_tier                    = "Standard"
  account_replication_type        = length(local.environment.hub.regions[local.foundation.location].zones) > 0 ? "ZRS" : "GRS"
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  local_user_enabled              = false
  public_network_access_enabled   = length(var.open_to) > 0
  allow_nested_items_to_be_public = false
  min_tls_version                 = "TLS1_2"
  tags                            = local.tags

  network_rules {
    default_action = "Deny"
    bypass         = ["None"]
    ip_rules       = var.open_to
  }

  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }

    container_delete_retention_policy {
      days = 30
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

# A state holds what Azure said, keys as well: each environment's pipelines reach their own.
resource "azurerm_storage_container" "state" {
  for_each = local.foundation.stateContainers

  name                  = each.value
  storage_account_id    = azurerm_storage_account.state.id
  container_access_type = "private"

  # An environment's file may go while the environment still runs.
  lifecycle {
    prevent_destroy = true
  }
}

module "registry" {
  source   = "../modules/registry"
  for_each = local.holds_registry ? { (local.registry.name) = local.registry } : {}

  name                = each.key
  location            = azurerm_resource_group.this.location
  resource_group_name = azurerm_resource_group.this.name
  cache_rules         = local.cache_rules
  tags                = local.tags

  # A replica outside of our own hub is for a production, which has zones, or its environment file would be refused.
  zone_redundancy_enabled = length(local.environment.hub.regions[local.foundation.location].zones) > 0
  replicas = {
    for region in each.value.replicas : region => { zone_redundancy_enabled = try(length(local.environment.hub.regions[region].zones) > 0, true) }
  }
}

# Defender for what the roots make. These plans are the subscription's, so they are here and nowhere else. Azure fills in the
# subplan of a plan that has some, and the provider would replace a plan whose subplan is not the one named here.
resource "azurerm_security_center_subscription_pricing" "this" {
  for_each = { Arm = "PerSubscription", CosmosDbs = null, KeyVaults = "PerKeyVault" }

  resource_type = each.key
  tier          = "Standard"
  subplan       = each.value

  depends_on = [azurerm_resource_provider_registration.this]
}

resource "azurerm_security_center_subscription_pricing" "storage" {
  resource_type = "StorageAccounts"
  tier          = "Standard"
  subplan       = "DefenderForStorageV2"

  depends_on = [azurerm_resource_provider_registration.this]
}

resource "azurerm_security_center_subscription_pricing" "containers" {
  resource_type = "Containers"
  tier          = "Standard"

  extension {
    name = "ContainerRegistriesVulnerabilityAssessments"
  }

  extension {
    name = "AgentlessDiscoveryForKubernetes"
  }

  depends_on = [azurerm_resource_provider_registration.this]
}
