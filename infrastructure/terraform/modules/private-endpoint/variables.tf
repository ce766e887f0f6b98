variable "name" {
  description = "Name of the private endpoint."
  type        = string
  nullable    = false
}

variable "location" {
  description = "Azure region of the subnet."
  type        = string
  nullable    = false
}

variable "resource_group_name" {
  description = "Resource group of the endpoint."
  type        = string
  nullable    = false
}

variable "subnet_id" {
  description = "Subnet that it takes its address from."
  type        = string
  nullable    = false
}

variable "resource_id" {
  description = "What it leads to."
  type        = string
  nullable    = false
}

variable "subresource" {
  description = "Which of that resource's services: Sql, blob, queue, vault, registry, redisEnterprise."
  type        = string
  nullable    = false
}

variable "dns_zone_id" {
  description = "Private DNS zone that gets its address."
  type        = string
  nullable    = false
}

variable "tags" {
  description = "Tags of the endpoint."
  type        = map(string)
  nullable    = false
}
