output "names" {
  description = "Private DNS zone of each kind of private endpoint, by the kind's subresource name."
  value = {
    Sql             = "privatelink.documents.azure.com"
    blob            = "privatelink.blob.core.windows.net"
    queue           = "privatelink.queue.core.windows.net"
    vault           = "privatelink.vaultcore.azure.net"
    registry        = "privatelink.azurecr.io"
    redisEnterprise = "privatelink.redis.azure.net"
  }
}
