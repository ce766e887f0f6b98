output "id" {
  description = "Id of the registry."
  value       = azurerm_container_registry.this.id
}

output "login_server" {
  description = "Host name that images are pulled from."
  value       = azurerm_container_registry.this.login_server
}
