output "ids" {
  description = "Id of each pool."
  value       = { for name, pool in azurerm_kubernetes_cluster_node_pool.this : name => pool.id }
}
