output "id" {
  description = "Id of the gateway."
  value       = azurerm_application_gateway.this.id
}
