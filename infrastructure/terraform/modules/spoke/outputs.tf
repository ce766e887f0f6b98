output "network_id" {
  description = "Id of the virtual network."
  value       = azurerm_virtual_network.this.id
}

output "subnet_ids" {
  description = "Id of each subnet."
  value       = { for name, subnet in azurerm_subnet.this : name => subnet.id }

  # Nodes that start before their way out is there fail to register.
  depends_on = [
    azurerm_subnet_network_security_group_association.this,
    azurerm_subnet_route_table_association.this,
    azurerm_subnet_nat_gateway_association.this,
    azurerm_nat_gateway_public_ip_association.this,
    azurerm_virtual_network_peering.to_hub,
    azurerm_virtual_network_peering.from_hub,
  ]
}
