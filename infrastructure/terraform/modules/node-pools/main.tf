resource "azurerm_kubernetes_cluster_node_pool" "this" {
  for_each = var.pools

  name                        = each.key
  temporary_name_for_rotation = "${substr(each.key, 0, 9)}tmp"
  kubernetes_cluster_id       = var.cluster_id
  mode                        = "User"
  orchestrator_version        = var.kubernetes_version # AKS takes pools along with the control plane for patches only.
  vm_size                     = each.value.size
  os_sku                      = "AzureLinux3"
  os_disk_size_gb             = each.value.disk_gb
  vnet_subnet_id              = var.subnet_id
  zones                       = length(var.zones) > 0 ? var.zones : null
  auto_scaling_enabled        = true
  min_count                   = each.value.min
  max_count                   = each.value.max
  host_encryption_enabled     = true
  node_public_ip_enabled      = false
  tags                        = var.tags

  priority        = each.value.priority
  eviction_policy = each.value.priority == "Spot" ? "Delete" : null
  spot_max_price  = each.value.priority == "Spot" ? -1 : null

  node_labels = merge(
    each.value.labels,
    each.value.priority == "Spot" ? { "kubernetes.azure.com/scalesetpriority" = "spot" } : {},
  )
  node_taints = concat(
    each.value.taints,
    each.value.priority == "Spot" ? ["kubernetes.azure.com/scalesetpriority=spot:NoSchedule"] : [],
  )

  dynamic "upgrade_settings" {
    for_each = each.value.priority == "Spot" ? {} : { surge = coalesce(each.value.max_surge, "33%") }

    content {
      max_surge = upgrade_settings.value
    }
  }

  lifecycle {
    # The autoscaler owns the number of nodes.
    ignore_changes = [node_count]
  }
}
