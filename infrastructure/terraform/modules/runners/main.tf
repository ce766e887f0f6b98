# GitHub's runners inside the hub: one execution of a job for each job that waits there, and nothing while none does.
resource "azurerm_container_app_environment" "this" {
  name                           = var.environment_name
  location                       = var.location
  resource_group_name            = var.resource_group_name
  infrastructure_subnet_id       = var.subnet_id
  internal_load_balancer_enabled = true
  public_network_access          = "Disabled"
  zone_redundancy_enabled        = var.zone_redundancy_enabled
  tags                           = var.tags

  infrastructure_resource_group_name = "${var.resource_group_name}-runners" # Azure's own, for what it runs them on.

  # User-defined routes need an environment with workload profiles.
  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }
}

resource "azurerm_container_app_job" "this" {
  name                         = var.name
  location                     = var.location
  resource_group_name          = var.resource_group_name
  container_app_environment_id = azurerm_container_app_environment.this.id
  workload_profile_name        = "Consumption"
  replica_timeout_in_seconds   = var.timeout_seconds
  replica_retry_limit          = 0
  tags                         = var.tags

  identity {
    type         = "UserAssigned"
    identity_ids = [var.identity_id]
  }

  registry {
    server   = var.registry
    identity = var.identity_id
  }

  # Azure reads the App's key out of the vault as this identity; it is in no state.
  secret {
    name                = "app-key"
    key_vault_secret_id = var.app.key_secret_id
    identity            = var.identity_id
  }

  event_trigger_config {
    parallelism              = 1
    replica_completion_count = 1

    scale {
      min_executions              = 0
      max_executions              = var.max
      polling_interval_in_seconds = 30

      rules {
        name             = "github"
        custom_rule_type = "github-runner"

        metadata = {
          owner                     = var.github.organization
          repos                     = var.github.repository
          runnerScope               = "org"
          labels                    = var.github.label
          noDefaultLabels           = "true"
          targetWorkflowQueueLength = "1"
          applicationID             = tostring(var.app.id)
          installationID            = tostring(var.app.installation)
        }

        authentication {
          secret_name       = "app-key"
          trigger_parameter = "appKey"
        }
      }
    }
  }

  template {
    # Registers one runner for one job. Only this container has the App's key, and it is gone when the job begins.
    init_container {
      name    = "register"
      image   = var.image
      cpu     = 0.25
      memory  = "0.5Gi"
      command = ["/usr/bin/python3", "-c", file("${path.module}/register")]

      env {
        name        = "APP_KEY"
        secret_name = "app-key"
      }

      dynamic "env" {
        for_each = local.register

        content {
          name  = env.key
          value = env.value
        }
      }

      volume_mounts {
        name = "registration"
        path = "/registration"
      }
    }

    # Takes one job, which is all that its registration is good for.
    container {
      name    = "runner"
      image   = var.image
      cpu     = var.cpu
      memory  = "${2 * var.cpu}Gi"
      command = ["/bin/bash", "-c", "export ACTIONS_RUNNER_INPUT_JITCONFIG=$(</registration/runner) && rm /registration/runner && exec /home/runner/run.sh"]

      volume_mounts {
        name = "registration"
        path = "/registration"
      }
    }

    volume {
      name         = "registration"
      storage_type = "EmptyDir"
    }
  }
}

# The provider has no word for whom the job's identity is for. Without this, code of a pipeline could become it and read the
# App's key: seal says that no container may. An update by the provider keeps it.
resource "terraform_data" "seal" {
  triggers_replace = [azurerm_container_app_job.this.id, var.identity_id]

  provisioner "local-exec" {
    interpreter = ["/bin/bash"]
    command     = "${path.module}/seal"

    environment = {
      JOB_ID      = azurerm_container_app_job.this.id
      IDENTITY_ID = var.identity_id
    }
  }
}
