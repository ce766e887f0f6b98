output "id" {
  description = "Id of the job."
  value       = azurerm_container_app_job.this.id
}
