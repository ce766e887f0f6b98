output "id" {
  description = "Id of the private endpoint."
  value       = azurerm_private_endpoint.this.id
}
