# Logic of the module alone: its provider is a mock, which accepts what Azure refuses. Real plans are in tests/terraform.
mock_provider "azurerm" {
  mock_resource "azurerm_subnet" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/s" }
  }
  mock_resource "azurerm_virtual_network" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v" }
  }
  mock_resource "azurerm_network_security_group" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/networkSecurityGroups/n" }
  }
  mock_resource "azurerm_route_table" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/routeTables/r" }
  }
  mock_resource "azurerm_nat_gateway" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/natGateways/n" }
  }
  mock_resource "azurerm_public_ip" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/publicIPAddresses/p" }
  }
}

variables {
  name                = "vnet-x"
  location            = "northeurope"
  resource_group_name = "rg"
  cidr                = "10.1.0.0/20"
  pods_cidr           = "10.244.0.0/16"
  egress              = { tier = "firewall", firewall_ip = "10.0.0.4", zones = [] }
  tags                = {}
  subnets = {
    nodes              = "10.1.0.0/21"
    gateway            = "10.1.8.0/24"
    endpoints          = "10.1.9.0/24"
    applicationGateway = "10.1.10.0/24"
    apiServer          = "10.1.11.0/28"
    privateLink        = "10.1.11.64/26"
  }
  hub = {
    network_name        = "vnet-hub"
    network_id          = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/vnet-hub"
    resource_group_name = "rg-hub"
    runners_cidr        = "10.0.1.0/24"
  }
}

run "traffic_leaves_by_the_firewall" {
  command = plan

  assert {
    condition     = keys(azurerm_route_table.this) == ["nodes"] && length(azurerm_nat_gateway.this) == 0
    error_message = "The nodes' way out is not the firewall alone."
  }
}

run "or_by_a_nat_gateway" {
  command = plan
  variables {
    egress = { tier = "natGateway", firewall_ip = "10.0.0.4", zones = [] }
  }

  assert {
    condition     = length(azurerm_route_table.this) == 0 && keys(azurerm_nat_gateway.this) == ["nodes"]
    error_message = "The nodes' way out is not the NAT gateway alone."
  }
}

run "runners_reach_api_server_and_endpoints" {
  command = plan

  assert {
    condition = toset([
      for name, group in azurerm_network_security_group.this : name
      if contains(group.security_rule[*].source_address_prefix, "10.0.1.0/24")
    ]) == toset(["apiServer", "endpoints"])
    error_message = "Runners reach another subnet, or too few."
  }
}

run "no_runners_no_rule" {
  command = plan
  variables {
    hub = {
      network_name        = "vnet-hub"
      network_id          = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/vnet-hub"
      resource_group_name = "rg-hub"
    }
  }

  assert {
    condition     = alltrue([for group in azurerm_network_security_group.this : !contains(group.security_rule[*].name, "runners")])
    error_message = "A rule for runners that are not there."
  }
}

run "refuses_a_way_out_that_it_does_not_know" {
  command = plan
  variables {
    egress = { tier = "none", firewall_ip = "10.0.0.4", zones = [] }
  }
  expect_failures = [var.egress]
}

run "refuses_two_zones" {
  command = plan
  variables {
    egress = { tier = "natGateway", firewall_ip = "10.0.0.4", zones = ["1", "2"] }
  }
  expect_failures = [var.egress]
}
