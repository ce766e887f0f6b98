variable "environment" {
  description = "Environment: the name of a file in infrastructure/environments."
  type        = string
  nullable    = false
}

variable "region" {
  description = "Which of its regions; each has a state of its own."
  type        = string
  nullable    = false
}
