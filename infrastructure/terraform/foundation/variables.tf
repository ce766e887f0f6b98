variable "environment" {
  description = "Environment: the name of a file in infrastructure/environments. One that holds a hub of its own."
  type        = string
  nullable    = false
}

variable "open_to" {
  description = "Public addresses that may reach the state while there is no hub yet. Empty once there is: the door is closed."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.open_to : can(regex("^[0-9]+(\\.[0-9]+){3}$", address))])
    error_message = "open_to takes single IPv4 addresses, such as 203.0.113.7: never a range."
  }
}
