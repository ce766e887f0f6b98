output "id" {
  description = "Id of the cluster."
  value       = azurerm_kubernetes_cluster.this.id
}

output "oidc_issuer_url" {
  description = "Issuer of the service accounts' tokens, for federated credentials."
  value       = azurerm_kubernetes_cluster.this.oidc_issuer_url
}
