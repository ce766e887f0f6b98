output "hostname" {
  description = "Host name; the port is 10000."
  value       = azurerm_managed_redis.this.hostname
}
