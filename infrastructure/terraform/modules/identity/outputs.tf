output "subjects" {
  description = "Subject that may become each identity."
  value       = { for name, credential in azurerm_federated_identity_credential.this : name => credential.subject }
}
