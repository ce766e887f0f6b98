output "github_client_ids" {
  description = "Client id of each pipeline's identity, for GitHub's variables. Not a secret."
  value = merge(
    { for name, identity in azurerm_user_assigned_identity.github : name => identity.client_id },
    { for name, identity in azurerm_user_assigned_identity.build : name => identity.client_id },
  )
}
