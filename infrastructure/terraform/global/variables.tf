variable "environment" {
  description = "Environment: the name of a file in infrastructure/environments."
  type        = string
  nullable    = false
}
