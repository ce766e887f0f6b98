output "value" {
  description = "The environment, as environment.json has it."
  value       = local.value

  precondition {
    condition     = length(local.stale) == 0
    error_message = "environment.json of ${var.name} is stale: ${join(", ", local.stale)} changed. Run `fairlead env render`."
  }

  precondition {
    condition     = contains(local.value.roots, var.root)
    error_message = "${var.name} does not apply the root ${var.root}; it applies ${join(", ", local.value.roots)}, and shares the hub and foundation of ${local.value.hub.environment}."
  }
}
