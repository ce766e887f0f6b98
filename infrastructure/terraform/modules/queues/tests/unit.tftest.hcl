# Logic of the module alone: its provider is a mock, which accepts what Azure refuses. Real plans are in tests/terraform.
mock_provider "azurerm" {
  mock_resource "azurerm_storage_account" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/stxqueues" }
  }
}

variables {
  name                = "stxqueues"
  location            = "northeurope"
  resource_group_name = "rg"
  redundancy          = "LRS"
  endpoints           = {}
  queues              = { "a/b" = { name = "a-b" } }
  grants              = { x = { principal_id = "00000000-0000-0000-0000-000000000009", queue = "a/b", access = "receive" } }
  tags                = {}
}

run "a_grant_is_on_one_queue" {
  assert {
    condition     = endswith(azurerm_role_assignment.this["x"].scope, "/storageAccounts/stxqueues/queueServices/default/queues/a-b")
    error_message = "The grant is on ${azurerm_role_assignment.this["x"].scope}."
  }
  assert {
    condition     = azurerm_role_assignment.this["x"].role_definition_name == "Storage Queue Data Message Processor"
    error_message = "To receive is to process."
  }
}

run "refuses_a_grant_on_a_queue_that_is_not_there" {
  command = plan
  variables {
    grants = { x = { principal_id = "p", queue = "a/c", access = "send" } }
  }
  expect_failures = [var.grants]
}
