output "id" {
  description = "Id of the firewall."
  value       = azurerm_firewall.this.id
}
