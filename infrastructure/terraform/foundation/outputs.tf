output "github_client_ids" {
  description = "Client id of each pipeline's identity, for GitHub's environment variables. Not a secret."
  value       = { for name, identity in azurerm_user_assigned_identity.github : name => identity.client_id }
}
