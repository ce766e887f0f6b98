output "profile_id" {
  description = "Id of the profile."
  value       = azurerm_cdn_frontdoor_profile.this.id
}

output "host_name" {
  description = "Azure's own host name of the endpoint, for CNAME records of the public hosts."
  value       = azurerm_cdn_frontdoor_endpoint.this.host_name
}
