output "endpoint" {
  description = "Address of the queue service."
  value       = azurerm_storage_account.this.primary_queue_endpoint
}
