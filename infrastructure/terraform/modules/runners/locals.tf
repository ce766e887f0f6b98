locals {
  # What `register` is told.
  register = {
    APP_ID          = tostring(var.app.id)
    INSTALLATION_ID = tostring(var.app.installation)
    ORGANIZATION    = var.github.organization
    RUNNER_GROUP    = tostring(var.github.group)
    LABEL           = var.github.label
    API             = "https://api.github.com"
    OUT             = "/registration/runner"
  }
}
