# Logic of the module alone: its provider is a mock, which accepts what Azure refuses. Real plans are in tests/terraform.
mock_provider "azurerm" {
  mock_resource "azurerm_firewall_policy" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/firewallPolicies/afwp-x" }
  }
  mock_resource "azurerm_public_ip" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/publicIPAddresses/p" }
  }
}

variables {
  name                = "afw-x"
  policy_name         = "afwp-x"
  location            = "northeurope"
  resource_group_name = "rg"
  subnet_id           = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/AzureFirewallSubnet"
  expected_ip         = "10.0.0.4"
  zones               = []
  runners_cidr        = "10.0.1.0/24"
  spokes              = { dev = { ranges = ["10.1.0.0/20"], allow = ["api.example"] }, box = { ranges = ["10.2.0.0/20"], allow = [] } }
  tags                = {}
}

run "each_spoke_gets_what_it_asked_for" {
  command = plan
  plan_options {
    target = [azurerm_firewall_policy_rule_collection_group.this] # A mock does not know the firewall's address.
  }

  assert {
    condition = flatten([
      for collection in azurerm_firewall_policy_rule_collection_group.this.application_rule_collection : [
        for rule in collection.rule : "${rule.name} ${join(" ", rule.source_addresses)} ${join(" ", rule.destination_fqdns)}"
      ] if collection.name == "environments"
    ]) == ["dev 10.1.0.0/20 api.example"]
    error_message = "The spokes' own rules are not what they asked for."
  }
}

run "no_runners_no_rules_for_them" {
  command = plan
  plan_options {
    target = [azurerm_firewall_policy_rule_collection_group.this] # A mock does not know the firewall's address.
  }
  variables {
    runners_cidr = null
  }

  assert {
    condition     = !contains(azurerm_firewall_policy_rule_collection_group.this.application_rule_collection[*].name, "runners")
    error_message = "Rules for runners that are not there."
  }
}

run "refuses_two_zones" {
  command = plan
  variables {
    zones = ["1", "2"]
  }
  expect_failures = [var.zones]
}
