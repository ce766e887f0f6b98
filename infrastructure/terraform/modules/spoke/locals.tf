locals {
  # Only nodes start connections to the Internet. Application Gateway may not have a default route through an appliance.
  firewalled = var.egress.tier == "firewall" ? toset(["nodes"]) : toset([])
  translated = var.egress.tier == "natGateway" ? toset(["nodes"]) : toset([])

  # What may come in, per subnet; everything else from other networks is denied below, and the Internet by Azure's default.
  # The gateway's subnet holds only a load balancer's address: what reaches it is filtered at the nodes.
  rules = {
    nodes = {
      own-network = { priority = 100, access = "Allow", protocol = "*", source = var.cidr, ports = ["0-65535"] }
      # In an overlay network, what pods send to pods of other nodes bears their own addresses.
      pods = { priority = 110, access = "Allow", protocol = "*", source = var.pods_cidr, ports = ["0-65535"] }
      # Its probes come from an address of Azure's that the tag VirtualNetwork has too, so the rule below would deny them.
      load-balancer = { priority = 120, access = "Allow", protocol = "*", source = "AzureLoadBalancer", ports = ["0-65535"] }
    }
    apiServer = merge(local.runners, {
      nodes         = { priority = 100, access = "Allow", protocol = "Tcp", source = var.subnets.nodes, ports = ["443", "4443"] }
      load-balancer = { priority = 110, access = "Allow", protocol = "Tcp", source = "AzureLoadBalancer", ports = ["9988"] }
    })
    endpoints = merge(local.runners, {
      nodes               = { priority = 100, access = "Allow", protocol = "Tcp", source = var.subnets.nodes, ports = ["443", "10000"] }
      application-gateway = { priority = 110, access = "Allow", protocol = "Tcp", source = var.subnets.applicationGateway, ports = ["443"] }
    })
    applicationGateway = {
      private-link    = { priority = 100, access = "Allow", protocol = "Tcp", source = var.subnets.privateLink, ports = ["443"] }
      gateway-manager = { priority = 110, access = "Allow", protocol = "Tcp", source = "GatewayManager", ports = ["65200-65535"] }
      load-balancer   = { priority = 120, access = "Allow", protocol = "*", source = "AzureLoadBalancer", ports = ["0-65535"] }
    }
  }

  runners = var.hub.runners_cidr == null ? {} : {
    runners = { priority = 120, access = "Allow", protocol = "Tcp", source = var.hub.runners_cidr, ports = ["443"] }
  }

  deny_other_networks = {
    deny-other-networks = { priority = 4000, access = "Deny", protocol = "*", source = "VirtualNetwork", ports = ["0-65535"] }
  }
}
