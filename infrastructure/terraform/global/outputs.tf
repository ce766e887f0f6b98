output "cosmos_endpoint" {
  description = "Address of the Cosmos DB account."
  value       = module.cosmos.endpoint
}

output "front_door_host" {
  description = "Azure's host name of the edge; null where there is none."
  value       = one([for door in module.front_door : door.host_name])
}
