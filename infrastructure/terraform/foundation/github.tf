# GitHub's pipelines have no secret: they become these identities by their own tokens.
resource "azurerm_user_assigned_identity" "github" {
  for_each = local.github

  name                = "id-${local.environment.azure.prefix}-${each.key}"
  location            = azurerm_resource_group.this.location
  resource_group_name = azurerm_resource_group.this.name
  tags                = local.tags
}

resource "azurerm_federated_identity_credential" "github" {
  for_each = local.github

  name                      = "github"
  user_assigned_identity_id = azurerm_user_assigned_identity.github[each.key].id
  issuer                    = "https://token.actions.githubusercontent.com"
  subject                   = each.value.subject
  audience                  = ["api://AzureADTokenExchange"]
}

# All may read; only deploy may write.
resource "azurerm_role_assignment" "subscription" {
  for_each = local.github

  scope                = local.subscription
  role_definition_name = each.value.purpose == "deploy" ? "Contributor" : "Reader"
  principal_id         = azurerm_user_assigned_identity.github[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "state" {
  for_each = local.github

  scope                = "${azurerm_storage_account.state.id}/blobServices/default/containers/${azurerm_storage_container.state[each.value.environment].name}"
  role_definition_name = each.value.purpose == "deploy" ? "Storage Blob Data Contributor" : "Storage Blob Data Reader"
  principal_id         = azurerm_user_assigned_identity.github[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

# Deploy may give the roles that the roots assign, and no other: it cannot make itself owner.
resource "azurerm_role_assignment" "roles" {
  for_each = local.deployers

  scope                = local.subscription
  role_definition_name = "Role Based Access Control Administrator"
  principal_id         = azurerm_user_assigned_identity.github[each.key].principal_id
  principal_type       = "ServicePrincipal"
  condition_version    = "2.0"
  condition            = local.only_assignable
}

# infrastructure/bootstrap runs as deploy.
resource "azurerm_role_assignment" "clusters" {
  for_each = local.deployers

  scope                = local.subscription
  role_definition_name = "Azure Kubernetes Service RBAC Cluster Admin"
  principal_id         = azurerm_user_assigned_identity.github[each.key].principal_id
  principal_type       = "ServicePrincipal"
}

# The registry, where another subscription holds it: let the clusters pull, and connect the hub.
resource "azurerm_role_assignment" "registry_roles" {
  for_each = local.holds_registry ? {} : local.deployers

  scope                = local.registry_id
  role_definition_name = "Role Based Access Control Administrator"
  principal_id         = azurerm_user_assigned_identity.github[each.key].principal_id
  principal_type       = "ServicePrincipal"
  condition_version    = "2.0"
  condition            = local.only_assignable
}

# A role of ours is defined for a group at least; it is given on the registry alone.
resource "azurerm_role_definition" "registry_endpoints" {
  for_each = local.holds_registry ? { (local.registry_endpoint_role) = local.registry_group } : {}

  role_definition_id = each.key
  name               = "${local.registry.name} private endpoints"
  scope              = each.value
  description        = "Connects a network to the registry ${local.registry.name}."
  assignable_scopes  = [each.value]

  permissions {
    actions = [
      "Microsoft.ContainerRegistry/registries/read",
      "Microsoft.ContainerRegistry/registries/privateEndpointConnectionsApproval/action",
    ]
  }

  depends_on = [module.registry]
}

resource "azurerm_role_assignment" "registry_endpoints" {
  for_each = local.holds_registry ? {} : local.deployers

  scope              = local.registry_id
  role_definition_id = "/subscriptions/${local.registry.subscription}/providers/Microsoft.Authorization/roleDefinitions/${local.registry_endpoint_role}"
  principal_id       = azurerm_user_assigned_identity.github[each.key].principal_id
  principal_type     = "ServicePrincipal"
}

# What builds images on the main branch may push them, and nothing else.
resource "azurerm_user_assigned_identity" "build" {
  for_each = local.holds_registry ? { build = local.registry.name } : {}

  name                = "id-${local.environment.azure.prefix}-${each.key}"
  location            = azurerm_resource_group.this.location
  resource_group_name = azurerm_resource_group.this.name
  tags                = local.tags
}

resource "azurerm_federated_identity_credential" "build" {
  for_each = azurerm_user_assigned_identity.build

  name                      = "github"
  user_assigned_identity_id = each.value.id
  issuer                    = "https://token.actions.githubusercontent.com"
  subject                   = "${local.foundation.subject}:ref:refs/heads/main"
  audience                  = ["api://AzureADTokenExchange"]
}

resource "azurerm_role_assignment" "build" {
  for_each = azurerm_user_assigned_identity.build

  scope                = module.registry[local.registry.name].id
  role_definition_name = "AcrPush"
  principal_id         = each.value.principal_id
  principal_type       = "ServicePrincipal"
}
