# Logic of the module alone: its provider is a mock, which accepts what Azure refuses. Real plans are in tests/terraform.
mock_provider "azurerm" {
  mock_resource "azurerm_user_assigned_identity" {
    defaults = { id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i" }
  }
}

variables {
  name                     = "aks-x"
  location                 = "northeurope"
  resource_group_name      = "rg"
  node_resource_group_name = "rg-nodes"
  tenant_id                = "22222222-2222-2222-2222-222222222222"
  admin_group_ids          = ["44444444-4444-4444-4444-444444444441"]
  kubernetes_version       = "1.36"
  tier                     = "Standard"
  cost_analysis_enabled    = true
  autoscaler               = "aggressive"
  upgrades                 = { cluster = "patch", nodes = "NodeImage" }
  maintenance              = { day = "Sunday", start = "02:00", hours = 4 }
  system_pool              = { size = "Standard_D2ds_v5", min = 1, max = 2 }
  registry_id              = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/abcde"
  log_workspace_id         = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.OperationalInsights/workspaces/abcd"
  run_command_enabled      = true
  tags                     = {}
  network = {
    pods                 = "10.244.0.0/16"
    services             = "10.96.0.0/16"
    dns                  = "10.96.0.10"
    outbound_type        = "userDefinedRouting"
    api_server_subnet_id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/a"
    node_subnet_id       = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n"
    network_id           = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
  }
}

run "an_aggressive_autoscaler_gives_nodes_back_sooner" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster.this.auto_scaler_profile[0].scale_down_unneeded == "3m"
    error_message = "aggressive waits ${azurerm_kubernetes_cluster.this.auto_scaler_profile[0].scale_down_unneeded}."
  }
}

run "a_conservative_one_keeps_them" {
  command = plan
  variables {
    autoscaler = "conservative"
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.auto_scaler_profile[0].scale_down_unneeded == "20m"
    error_message = "conservative waits ${azurerm_kubernetes_cluster.this.auto_scaler_profile[0].scale_down_unneeded}."
  }
}

run "no_upgrades_are_no_channel" {
  command = plan
  variables {
    upgrades = { cluster = "none", nodes = "None" }
  }

  assert {
    condition     = azurerm_kubernetes_cluster.this.automatic_upgrade_channel == null
    error_message = "none is the channel's absence."
  }
}

run "refuses_cost_analysis_on_the_free_tier" {
  command = plan
  variables {
    tier = "Free"
  }
  expect_failures = [var.cost_analysis_enabled]
}

run "refuses_cilium_without_the_network_plugin_azure" {
  command = plan
  variables {
    network = {
      plugin               = "kubenet"
      pods                 = "10.244.0.0/16"
      services             = "10.96.0.0/16"
      dns                  = "10.96.0.10"
      outbound_type        = "userDefinedRouting"
      api_server_subnet_id = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/a"
      node_subnet_id       = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n"
      network_id           = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
    }
  }
  expect_failures = [var.network]
}

run "refuses_a_system_pool_that_is_spot" {
  command = plan
  variables {
    system_pool = { size = "Standard_D2ds_v5", min = 1, max = 2, priority = "Spot" }
  }
  expect_failures = [var.system_pool]
}

run "refuses_a_patch_version" {
  command = plan
  variables {
    kubernetes_version = "1.36.2"
  }
  expect_failures = [var.kubernetes_version]
}

run "refuses_a_cluster_that_nobody_administers" {
  command = plan
  variables {
    admin_group_ids = []
  }
  expect_failures = [var.admin_group_ids]
}

run "refuses_an_autoscaler_that_it_does_not_know" {
  command = plan
  variables {
    autoscaler = "lazy"
  }
  expect_failures = [var.autoscaler]
}
