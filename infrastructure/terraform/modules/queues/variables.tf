variable "name" {
  description = "Name of the storage account; unique in Azure."
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

variable "redundancy" {
  description = "Copies: LRS or ZRS."
  type        = string
  nullable    = false
}

variable "queues" {
  description = "Queues by key: the queue's name."
  type        = map(object({ name = string }))
  nullable    = false
}

variable "grants" {
  description = "Who may do what with which queue: send, receive or measure."
  type = map(object({
    principal_id = string
    queue        = string
    access       = string
  }))
  nullable = false

  validation {
    condition     = alltrue([for grant in var.grants : contains(keys(var.queues), grant.queue)])
    error_message = "A grant names a queue that is not there."
  }
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
