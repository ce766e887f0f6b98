locals {
  # Two characters: give nodes back at once, or keep them for the next wave.
  autoscaler_profiles = {
    aggressive = {
      expander                         = "least-waste"
      scan_interval                    = "10s"
      scale_down_delay_after_add       = "3m"
      scale_down_unneeded              = "3m"
      scale_down_unready               = "10m"
      scale_down_utilization_threshold = "0.65"
      skip_nodes_with_system_pods      = false
    }
    conservative = {
      expander                         = "least-waste"
      scan_interval                    = "20s"
      scale_down_delay_after_add       = "15m"
      scale_down_unneeded              = "20m"
      scale_down_unready               = "30m"
      scale_down_utilization_threshold = "0.4"
      skip_nodes_with_system_pods      = true
    }
  }
  autoscaler = local.autoscaler_profiles[var.autoscaler]

  # Two windows, one for Kubernetes and one for node images.
  node_os_channel = var.upgrades.nodes
}
