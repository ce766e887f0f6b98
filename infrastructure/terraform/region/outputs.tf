output "cluster_id" {
  description = "Id of the cluster, for infrastructure/bootstrap."
  value       = module.cluster.id
}
