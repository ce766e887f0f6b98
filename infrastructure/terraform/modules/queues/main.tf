locals {
  roles = {
    send    = "Storage Queue Data Message Sender"
    receive = "Storage Queue Data Message Processor"
    measure = "Storage Queue Data Reader"
  }
}

resource "azurerm_storage_account" "this" {
  name                            = var.name
  location                        = var.location
  resource_group_name             = var.resource_group_name
  account_tier                    = "Standard"
  account_replication_type        = var.redundancy
  shared_access_key_enabled       = false
  default_to_oauth_authentication = true
  local_user_enabled              = false
  public_network_access_enabled   = false
  allow_nested_items_to_be_public = false
  min_tls_version                 = "TLS1_2"
  tags                            = var.tags

  network_rules {
    default_action = "Deny"
    bypass         = ["None"]
  }
}

resource "azurerm_storage_queue" "this" {
  for_each = var.queues

  name               = each.value.name
  storage_account_id = azurerm_storage_account.this.id
}

resource "azurerm_role_assignment" "this" {
  for_each = var.grants

  scope                = "${azurerm_storage_account.this.id}/queueServices/default/queues/${azurerm_storage_queue.this[each.value.queue].name}"
  role_definition_name = local.roles[each.value.access]
  principal_id         = each.value.principal_id
  principal_type       = "ServicePrincipal"
}

module "endpoint" {
  source   = "../private-endpoint"
  for_each = var.endpoints

  name                = each.key
  location            = each.value.location
  resource_group_name = each.value.resource_group_name
  subnet_id           = each.value.subnet_id
  resource_id         = azurerm_storage_account.this.id
  subresource         = "queue"
  dns_zone_id         = each.value.dns_zone_id
  tags                = var.tags
}
