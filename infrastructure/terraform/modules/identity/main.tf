# One credential per identity and cluster. Azure allows 20 on an identity, so an environment may have 20 regions.
resource "azurerm_federated_identity_credential" "this" {
  for_each = var.identities

  name                      = var.name
  user_assigned_identity_id = each.value.id
  issuer                    = var.issuer
  subject                   = "system:serviceaccount:${each.value.namespace}:${each.value.service_account}"
  audience                  = ["api://AzureADTokenExchange"]
}
