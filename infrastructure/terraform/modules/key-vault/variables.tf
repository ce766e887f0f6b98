variable "name" {
  description = "Name of the vault; unique in Azure."
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

variable "tenant_id" {
  description = "Entra tenant."
  type        = string
  nullable    = false
}

variable "purge_protection_enabled" {
  description = "Whether a deleted vault keeps its name until its retention ends; only sandboxes may do without."
  type        = bool
  nullable    = false
}

variable "readers" {
  description = "Who may read which secret: key to principal and secret. A grant is on one secret, not on the vault."
  type = map(object({
    principal_id = string
    secret       = string
  }))
  default  = {}
  nullable = false
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
