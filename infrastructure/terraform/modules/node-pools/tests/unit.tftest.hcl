# Logic of the module alone: its provider is a mock, which accepts what Azure refuses. Real plans are in tests/terraform.
mock_provider "azurerm" {}

variables {
  cluster_id         = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c"
  kubernetes_version = "1.36"
  subnet_id          = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/n"
  zones              = []
  tags               = {}
  pools = {
    spot     = { size = "Standard_D2ds_v5", min = 0, max = 2, priority = "Spot", taints = ["a=b:NoSchedule"] }
    workload = { size = "Standard_D2ds_v5", min = 1, max = 2 }
  }
}

run "a_spot_pool_says_so_and_takes_no_surge" {
  command = plan

  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.this["spot"].node_labels == tomap({ "kubernetes.azure.com/scalesetpriority" = "spot" })
    error_message = "A Spot pool lacks the label that Azure gives it: a second plan would take it away."
  }
  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.this["spot"].node_taints == tolist(["a=b:NoSchedule", "kubernetes.azure.com/scalesetpriority=spot:NoSchedule"])
    error_message = "A Spot pool lacks its own taints, or the one that Azure gives it."
  }
  assert {
    condition     = length(azurerm_kubernetes_cluster_node_pool.this["spot"].upgrade_settings) == 0
    error_message = "A Spot pool takes no upgrade settings."
  }
  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.this["workload"].upgrade_settings[0].max_surge == "33%"
    error_message = "A pool that says nothing surges by a third."
  }
  assert {
    condition     = azurerm_kubernetes_cluster_node_pool.this["workload"].zones == null
    error_message = "A region without zones takes null."
  }
}

run "refuses_a_spot_pool_with_surge" {
  command = plan
  variables {
    pools = { spot = { size = "Standard_D2ds_v5", min = 0, max = 2, priority = "Spot", max_surge = "33%" } }
  }
  expect_failures = [var.pools]
}

run "refuses_a_minimum_above_the_maximum" {
  command = plan
  variables {
    pools = { spot = { size = "Standard_D2ds_v5", min = 3, max = 2, priority = "Spot" } }
  }
  expect_failures = [var.pools]
}

run "refuses_a_name_that_linux_pools_may_not_have" {
  command = plan
  variables {
    pools = { with-hyphen = { size = "Standard_D2ds_v5", min = 0, max = 2 } }
  }
  expect_failures = [var.pools]
}
