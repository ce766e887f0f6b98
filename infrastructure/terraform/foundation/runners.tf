# What the runners in the hub are, before the hub is there: who they are, and the vault that keeps the key of the GitHub App
# that registers them. The key is put in by infrastructure/bootstrap/runner.
locals {
  runners = can(local.environment.hub.runners) ? { (local.environment.hub.runners.keyVault) = local.environment.hub.runners } : {}
}

resource "azurerm_user_assigned_identity" "runners" {
  for_each = local.runners

  name                = each.value.identity
  location            = azurerm_resource_group.this.location
  resource_group_name = azurerm_resource_group.this.name
  tags                = local.tags
}

resource "azurerm_role_assignment" "runners_pull" {
  for_each = local.runners

  scope                = local.registry_id
  role_definition_name = "AcrPull"
  principal_id         = azurerm_user_assigned_identity.runners[each.key].principal_id
  principal_type       = "ServicePrincipal"

  depends_on = [module.registry]
}

module "runners_vault" {
  source   = "../modules/key-vault"
  for_each = local.runners

  name                     = each.key
  location                 = azurerm_resource_group.this.location
  resource_group_name      = azurerm_resource_group.this.name
  tenant_id                = local.environment.azure.tenant
  purge_protection_enabled = true
  tags                     = local.tags
  endpoints                = {} # The hub's.

  readers = {
    runners = {
      principal_id = azurerm_user_assigned_identity.runners[each.key].principal_id
      secret       = each.value.secret
    }
  }
}
