variable "name" {
  description = "Name of the registry; unique in Azure."
  type        = string
  nullable    = false
}

variable "location" {
  description = "Azure region."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Resource group of everything here."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Tags of everything here."
  type        = map(string)
  nullable    = false
}

variable "zone_redundancy_enabled" {
  description = "Whether it spreads over zones: where the region has some."
  type        = bool
  nullable    = false
}

variable "replicas" {
  description = "Other regions that images are pulled in, and whether each spreads over zones."
  type        = map(object({ zone_redundancy_enabled = bool }))
  nullable    = false
}

variable "retention_days" {
  description = "How long untagged manifests stay."
  type        = number
  default     = 30
  nullable    = false
}

variable "cache_rules" {
  description = "Upstream images that the registry fetches itself, so that clusters pull from nowhere else: target to source repository."
  type        = map(string)
  nullable    = false
}
