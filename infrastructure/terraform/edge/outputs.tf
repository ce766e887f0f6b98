output "dns_records" {
  description = "Records that make the hosts ours: a TXT record _dnsauth.<host> with this value, and a CNAME of the host to the root global's front_door_host."
  value       = { for host, domain in azurerm_cdn_frontdoor_custom_domain.this : host => domain.validation_token }
}
