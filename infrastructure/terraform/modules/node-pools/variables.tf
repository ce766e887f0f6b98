variable "cluster_id" {
  description = "Cluster that the pools belong to."
  type        = string
  nullable    = false
}

variable "kubernetes_version" {
  description = "Minor version, the cluster's; AKS picks the patch."
  type        = string
  nullable    = false
}

variable "subnet_id" {
  description = "Subnet of the nodes."
  type        = string
  nullable    = false
}

variable "zones" {
  description = "Availability zones; none where the region has none."
  type        = set(string)
  nullable    = false
}

variable "pools" {
  description = "User pools by name. Spot pools take no max_surge; the label and taint that Azure gives them are added."
  type = map(object({
    size      = string
    min       = number
    max       = number
    priority  = optional(string, "Regular")
    max_surge = optional(string)
    disk_gb   = optional(number)
    labels    = optional(map(string), {})
    taints    = optional(list(string), [])
  }))
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.pools) : can(regex("^[a-z][a-z0-9]{0,11}$", name))])
    error_message = "A Linux pool's name has at most 12 lower-case letters and digits."
  }

  validation {
    condition     = alltrue([for pool in var.pools : pool.min <= pool.max])
    error_message = "A pool's min may not be more than its max."
  }

  validation {
    condition     = alltrue([for pool in var.pools : pool.priority != "Spot" || pool.max_surge == null])
    error_message = "A Spot pool takes no max_surge: its upgrades replace nodes in place."
  }
}

variable "tags" {
  description = "Tags of the pools."
  type        = map(string)
  nullable    = false
}
