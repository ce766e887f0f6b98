# Logic of the module alone: its provider is a mock, which accepts what Azure refuses. Real plans are in tests/terraform.
mock_provider "azurerm" {
  mock_resource "azurerm_web_application_firewall_policy" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/applicationGatewayWebApplicationFirewallPolicies/w" }
  }
  mock_resource "azurerm_public_ip" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Network/publicIPAddresses/p" }
  }
}

variables {
  name                   = "agw-x"
  location               = "northeurope"
  resource_group_name    = "rg"
  zones                  = []
  subnet_id              = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/a"
  private_link_subnet_id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/p"
  private_ip             = "10.1.10.10"
  gateway_ip             = "10.1.8.10"
  host                   = "o.example"
  certificate_secret_id  = "https://kv-x.vault.azure.net/secrets/origin"
  identity_id            = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
  waf                    = { mode = "detection", exclusions = [] }
  tags                   = {}
}

run "the_files_mode_is_the_firewalls" {
  command = plan

  assert {
    condition     = azurerm_web_application_firewall_policy.this.policy_settings[0].mode == "Detection"
    error_message = "The mode is ${azurerm_web_application_firewall_policy.this.policy_settings[0].mode}."
  }
}

run "refuses_a_certificate_that_is_fixed_to_a_version" {
  command = plan
  variables {
    certificate_secret_id = "https://kv-x.vault.azure.net/secrets/origin/0123"
  }
  expect_failures = [var.certificate_secret_id]
}

run "refuses_two_zones" {
  command = plan
  variables {
    zones = ["1", "2"]
  }
  expect_failures = [var.zones]
}
