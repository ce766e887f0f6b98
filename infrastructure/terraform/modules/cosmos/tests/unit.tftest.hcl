# Logic of the module alone: its provider is a mock, which accepts what Azure refuses. Real plans are in tests/terraform.
mock_provider "azurerm" {
  mock_resource "azurerm_cosmosdb_account" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.DocumentDB/databaseAccounts/a" }
  }
}

variables {
  name                = "cosmos-x"
  location            = "northeurope"
  resource_group_name = "rg"
  regions             = [{ location = "northeurope", zone_redundant = true }, { location = "westeurope", zone_redundant = false }]
  multiple_writes     = false
  consistency         = "Session"
  backup_tier         = "Continuous7Days"
  tags                = {}
  containers = {
    "a/b" = { database = "a", name = "b", partition_key = "/id", mode = "autoscale", request_units = 1000 }
    "a/c" = { database = "a", name = "c", partition_key = "/id", mode = "provisioned", request_units = 400 }
  }
  grants = {
    "x:a/b:read" = { principal_id = "00000000-0000-0000-0000-000000000009", container = "a/b", access = "read" }
  }
}

run "throughput_is_provisioned_or_scales" {
  command = plan

  assert {
    condition     = azurerm_cosmosdb_sql_container.this["a/b"].autoscale_settings[0].max_throughput == 1000
    error_message = "a/b does not scale."
  }
  assert {
    condition     = azurerm_cosmosdb_sql_container.this["a/c"].throughput == 400 && length(azurerm_cosmosdb_sql_container.this["a/c"].autoscale_settings) == 0
    error_message = "a/c scales."
  }
  assert {
    condition     = length(azurerm_cosmosdb_sql_database.this) == 1
    error_message = "Two containers of one service have one database."
  }
}

run "the_first_region_writes_and_the_next_takes_over" {
  command = plan

  assert {
    condition     = { for region in azurerm_cosmosdb_account.this.geo_location : region.location => region.failover_priority } == { northeurope = 0, westeurope = 1 }
    error_message = "The order of failover is not the order of the regions."
  }
  assert {
    condition     = azurerm_cosmosdb_account.this.automatic_failover_enabled
    error_message = "A single writing region fails over by itself."
  }
}

run "bounded_staleness_is_as_tight_as_several_regions_allow" {
  command = plan
  variables {
    consistency = "BoundedStaleness"
  }

  assert {
    condition     = azurerm_cosmosdb_account.this.consistency_policy[0].max_interval_in_seconds == 300 && azurerm_cosmosdb_account.this.consistency_policy[0].max_staleness_prefix == 100000
    error_message = "Azure would refuse these bounds for an account of two regions."
  }
}

run "refuses_strong_consistency_with_several_writers" {
  command = plan
  variables {
    multiple_writes = true
    consistency     = "Strong"
  }
  expect_failures = [var.multiple_writes]
}

run "refuses_a_backup_tier_that_azure_does_not_have" {
  command = plan
  variables {
    backup_tier = "Continuous14Days"
  }
  expect_failures = [var.backup_tier]
}

run "refuses_throughput_between_the_steps" {
  command = plan
  variables {
    grants     = {}
    containers = { "a/b" = { database = "a", name = "b", partition_key = "/id", mode = "autoscale", request_units = 1500 } }
  }
  expect_failures = [var.containers]
}

run "refuses_no_region" {
  command = plan
  variables {
    regions = []
  }
  expect_failures = [var.regions]
}

run "refuses_a_region_twice" {
  command = plan
  variables {
    regions = [{ location = "northeurope", zone_redundant = true }, { location = "northeurope", zone_redundant = true }]
  }
  expect_failures = [var.regions]
}
