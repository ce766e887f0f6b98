variable "name" {
  description = "Name of the instance; unique in Azure."
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

variable "sku_name" {
  description = "SKU of Azure Managed Redis."
  type        = string
  nullable    = false
}

variable "high_availability_enabled" {
  description = "Two nodes, in different zones where the region has them; there is no argument for zones."
  type        = bool
  nullable    = false
}

variable "principals" {
  description = "Who may use it, by service. A grant is all or nothing: Managed Redis has one access policy."
  type        = map(string)
  nullable    = false
}

variable "endpoints" {
  description = "Private endpoints by name: where each takes its address, and the DNS zone that gets it."
  type = map(object({
    location            = string
    resource_group_name = string
    subnet_id           = string
    dns_zone_id         = string
  }))
  nullable = false
}
