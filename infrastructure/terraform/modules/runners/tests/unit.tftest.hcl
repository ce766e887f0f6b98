# Logic of the module alone: its provider is a mock, which accepts what Azure refuses. Real plans are in tests/terraform.
mock_provider "azurerm" {
  mock_resource "azurerm_container_app_environment" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.App/managedEnvironments/cae-x" }
  }
}

variables {
  name                    = "caj-x"
  environment_name        = "cae-x"
  location                = "northeurope"
  resource_group_name     = "rg"
  subnet_id               = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/r"
  identity_id             = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
  zone_redundancy_enabled = false
  registry                = "abcde.azurecr.io"
  image                   = "abcde.azurecr.io/runner@sha256:0000000000000000000000000000000000000000000000000000000000000000"
  max                     = 2
  tags                    = {}
  app                     = { id = 1, installation = 2, key_secret_id = "https://kv-x.vault.azure.net/secrets/key" }
  github                  = { organization = "o", repository = "r", label = "l", group = 1 }
}

run "a_runner_has_two_gigabytes_for_each_core" {
  command = plan
  variables {
    cpu = 1
  }

  assert {
    condition     = azurerm_container_app_job.this.template[0].container[0].memory == "2Gi"
    error_message = "Container Apps refuses ${azurerm_container_app_job.this.template[0].container[0].memory} with one core."
  }
}

run "refuses_an_image_that_may_change" {
  command = plan
  variables {
    image = "abcde.azurecr.io/runner:latest"
  }
  expect_failures = [var.image]
}

run "refuses_a_size_that_the_profile_does_not_have" {
  command = plan
  variables {
    cpu = 4
  }
  expect_failures = [var.cpu]
}

run "refuses_a_key_that_is_fixed_to_a_version" {
  command = plan
  variables {
    app = { id = 1, installation = 2, key_secret_id = "https://kv-x.vault.azure.net/secrets/key/0123" }
  }
  expect_failures = [var.app]
}
