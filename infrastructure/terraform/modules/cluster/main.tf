# The control plane's identity, before the cluster, so that its rights are there when AKS joins the subnets.
resource "azurerm_user_assigned_identity" "control_plane" {
  name                = "id-${var.name}-control-plane"
  location            = var.location
  resource_group_name = var.resource_group_name
  tags                = var.tags
}

resource "azurerm_user_assigned_identity" "kubelet" {
  name                = "id-${var.name}-kubelet"
  location            = var.location
  resource_group_name = var.resource_group_name
  tags                = var.tags
}

resource "azurerm_role_assignment" "control_plane_network" {
  scope                = var.network.network_id
  role_definition_name = "Network Contributor"
  principal_id         = azurerm_user_assigned_identity.control_plane.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "control_plane_kubelet" {
  scope                = azurerm_user_assigned_identity.kubelet.id
  role_definition_name = "Managed Identity Operator"
  principal_id         = azurerm_user_assigned_identity.control_plane.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_role_assignment" "kubelet_pull" {
  scope                = var.registry_id
  role_definition_name = "AcrPull"
  principal_id         = azurerm_user_assigned_identity.kubelet.principal_id
  principal_type       = "ServicePrincipal"
}

resource "azurerm_kubernetes_cluster" "this" {
  name                = var.name
  location            = var.location
  resource_group_name = var.resource_group_name
  node_resource_group = var.node_resource_group_name
  dns_prefix          = var.name
  tags                = var.tags

  kubernetes_version        = var.kubernetes_version
  sku_tier                  = var.tier
  automatic_upgrade_channel = var.upgrades.cluster == "none" ? null : var.upgrades.cluster
  node_os_upgrade_channel   = local.node_os_channel
  cost_analysis_enabled     = var.cost_analysis_enabled

  # Nobody gets in without Entra, and nobody from outside.
  private_cluster_enabled             = true
  private_cluster_public_fqdn_enabled = false
  private_dns_zone_id                 = "System"
  local_account_disabled              = true
  role_based_access_control_enabled   = true
  run_command_enabled                 = var.run_command_enabled
  oidc_issuer_enabled                 = true
  workload_identity_enabled           = true

  azure_policy_enabled         = true
  image_cleaner_enabled        = true
  image_cleaner_interval_hours = 48

  api_server_access_profile {
    virtual_network_integration_enabled = true
    subnet_id                           = var.network.api_server_subnet_id
  }

  azure_active_directory_role_based_access_control {
    azure_rbac_enabled     = true
    tenant_id              = var.tenant_id
    admin_group_object_ids = var.admin_group_ids
  }

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.control_plane.id]
  }

  kubelet_identity {
    client_id                 = azurerm_user_assigned_identity.kubelet.client_id
    object_id                 = azurerm_user_assigned_identity.kubelet.principal_id
    user_assigned_identity_id = azurerm_user_assigned_identity.kubelet.id
  }

  network_profile {
    network_plugin      = var.network.plugin
    network_plugin_mode = var.network.plugin == "azure" ? "overlay" : null
    network_data_plane  = var.network.data_plane
    network_policy      = var.network.data_plane == "cilium" ? "cilium" : null
    outbound_type       = var.network.outbound_type
    load_balancer_sku   = "standard"
    pod_cidr            = var.network.pods
    service_cidr        = var.network.services
    dns_service_ip      = var.network.dns
  }

  # Node auto-provisioning cannot stop the cluster out of hours; the pools of the environment file scale instead.
  node_provisioning_profile {
    mode = "Manual"
  }

  default_node_pool {
    name                         = "system"
    temporary_name_for_rotation  = "systemtmp"
    orchestrator_version         = var.kubernetes_version # Without, a new version would be the control plane's alone.
    vm_size                      = var.system_pool.size
    os_sku                       = "AzureLinux3"
    os_disk_size_gb              = var.system_pool.disk_gb
    vnet_subnet_id               = var.network.node_subnet_id
    zones                        = length(var.system_pool.zones) > 0 ? var.system_pool.zones : null
    auto_scaling_enabled         = true
    min_count                    = var.system_pool.min
    max_count                    = var.system_pool.max
    only_critical_addons_enabled = true
    host_encryption_enabled      = true
    node_public_ip_enabled       = false
    node_labels                  = var.system_pool.labels
    tags                         = var.tags

    upgrade_settings {
      max_surge = coalesce(var.system_pool.max_surge, "33%")
    }
  }

  auto_scaler_profile {
    expander                         = local.autoscaler.expander
    scan_interval                    = local.autoscaler.scan_interval
    scale_down_delay_after_add       = local.autoscaler.scale_down_delay_after_add
    scale_down_unneeded              = local.autoscaler.scale_down_unneeded
    scale_down_unready               = local.autoscaler.scale_down_unready
    scale_down_utilization_threshold = local.autoscaler.scale_down_utilization_threshold
    skip_nodes_with_system_pods      = local.autoscaler.skip_nodes_with_system_pods
    balance_similar_node_groups      = true
  }

  maintenance_window_auto_upgrade {
    frequency   = "Weekly"
    interval    = 1
    day_of_week = var.maintenance.day
    start_time  = var.maintenance.start
    duration    = var.maintenance.hours
    utc_offset  = "+00:00"
  }

  maintenance_window_node_os {
    frequency   = "Weekly"
    interval    = 1
    day_of_week = var.maintenance.day
    start_time  = var.maintenance.start
    duration    = var.maintenance.hours
    utc_offset  = "+00:00"
  }

  workload_autoscaler_profile {
    keda_enabled = true
  }

  microsoft_defender {
    log_analytics_workspace_id = var.log_workspace_id
  }

  lifecycle {
    # The autoscaler owns the number of nodes.
    ignore_changes = [default_node_pool[0].node_count]
  }

  depends_on = [
    azurerm_role_assignment.control_plane_network,
    azurerm_role_assignment.control_plane_kubelet,
  ]
}
