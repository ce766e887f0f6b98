"""Who may do what: each grant of the file is in the plan, with its role and for its principal, and there is no other."""
from azure_stub import principal_id
from planner import resources

# Owner, Contributor, User Access Administrator, Role Based Access Control Administrator.
MAY_NOT_BE_GIVEN = ("8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c",
                    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "f58310d9-a9f6-439a-9e8d-f62e7b41a168")
QUEUE_ROLES = {"send": "Storage Queue Data Message Sender", "receive": "Storage Queue Data Message Processor",
               "measure": "Storage Queue Data Reader"}


def foundation_grants(environment):
    """What the pipelines may do: plan reads, deploy writes and gives roles, build pushes; and the hub's runners, who pull."""
    out = {}
    holds_registry = environment["registry"]["environment"] == environment["foundation"]["environment"]
    for name in environment["foundation"]["environments"]:
        for purpose, role, data in (("plan", "Reader", "Reader"), ("deploy", "Contributor", "Contributor")):
            out[f'azurerm_role_assignment.subscription["{name}-{purpose}"]'] = (role, None)
            out[f'azurerm_role_assignment.state["{name}-{purpose}"]'] = (f"Storage Blob Data {data}", None)
        out[f'azurerm_role_assignment.roles["{name}-deploy"]'] = ("Role Based Access Control Administrator", None)
        out[f'azurerm_role_assignment.clusters["{name}-deploy"]'] = ("Azure Kubernetes Service RBAC Cluster Admin", None)
        if not holds_registry:
            out[f'azurerm_role_assignment.registry_roles["{name}-deploy"]'] = ("Role Based Access Control Administrator", None)
            out[f'azurerm_role_assignment.registry_endpoints["{name}-deploy"]'] = (None, None)
    if holds_registry:
        out['azurerm_role_assignment.build["build"]'] = ("AcrPush", None)
    if "runners" in environment["hub"]:
        vault = environment["hub"]["runners"]["keyVault"]
        out[f'azurerm_role_assignment.runners_pull["{vault}"]'] = ("AcrPull", None)
        out[f'module.runners_vault["{vault}"].azurerm_role_assignment.reader["runners"]'] = ("Key Vault Secrets User", None)
    return out


def check_limited(environment, plan):
    """Who may give roles may give only some: never one that gives roles itself."""
    for address, resource in resources(plan).items():
        values = resource["values"]
        if resource["type"] == "azurerm_role_assignment" and values.get("role_definition_name") in ("Owner", "User Access Administrator"):
            yield f"{address}: {values['role_definition_name']}"
        if values.get("role_definition_name") == "Role Based Access Control Administrator":
            condition = values.get("condition") or ""
            if "roleAssignments/write" not in condition or "roleAssignments/delete" not in condition:
                yield f"{address}: may give any role"
            if any(role in condition for role in MAY_NOT_BE_GIVEN):
                yield f"{address}: may give a role that gives roles"


def declared_grants(environment, root):
    """Address and role of every grant that the root must make, and principal where the plan can know it."""
    grants, identities = environment["grants"], environment["identities"]
    edge = "edge" in environment
    out = {}
    if root == "foundation":
        out = foundation_grants(environment)
    if root == "global":
        for key in grants["containers"]:
            out[f'module.cosmos.azurerm_cosmosdb_sql_role_assignment.this["{key}"]'] = (None, None)
        for reader in ("application-gateway", "external-secrets") if edge else ():
            vault = environment["global"]["keyVault"]
            out[f'module.key_vault["{vault}"].azurerm_role_assignment.reader["{reader}"]'] = ("Key Vault Secrets User", None)
    if root == "region":
        for key, grant in grants["queues"].items():
            who = principal_id(identities[grant["identity"]]["name"])
            out[f'module.queues.azurerm_role_assignment.this["{key}"]'] = (QUEUE_ROLES[grant["access"]], who)
        for key, grant in grants["secrets"].items():
            who = principal_id(identities[grant["identity"]]["name"])
            out[f'module.key_vault.azurerm_role_assignment.reader["{key}"]'] = ("Key Vault Secrets User", who)
        for group in environment["azure"]["groups"]["developers"]:
            out[f'azurerm_role_assignment.developers["{group}"]'] = ("Azure Kubernetes Service RBAC Reader", group)
        for name, role in {"control_plane_network": "Network Contributor", "control_plane_kubelet": "Managed Identity Operator",
                           "kubelet_pull": "AcrPull"}.items():
            out[f"module.cluster.azurerm_role_assignment.{name}"] = (role, None)
        if "redis" in environment["data"]:
            for service, grant in grants["redis"].items():
                who = principal_id(identities[grant["identity"]]["name"])
                for region in environment["regions"].values():
                    out[f'module.redis["{region["redis"]}"].azurerm_managed_redis_access_policy_assignment.this["{service}"]'] = (None, who)
    return out


def check_grants(environment, plan, root, region=None):
    """Each grant exists, with its role and for its principal, and there is no other."""
    want = declared_grants(environment, root)
    if region is not None:  # Of Redis, this region's only.
        want = {a: g for a, g in want.items() if not a.startswith('module.redis') or environment["regions"][region]["redis"] in a}
    have = {a: r["values"] for a, r in resources(plan).items() if "role_assignment" in r["type"] or "access_policy" in r["type"]}
    yield from (f"{address}: this grant is missing" for address in want.keys() - have.keys())
    yield from (f"{address}: a grant that nobody declared" for address in have.keys() - want.keys())
    for address in want.keys() & have.keys():
        role, who = want[address]
        if role is not None and have[address].get("role_definition_name") != role:
            yield f"{address}: the role is {have[address].get('role_definition_name')}, not {role}"
        principal = have[address].get("principal_id") or have[address].get("object_id")
        if who is not None and principal != who:
            yield f"{address}: for {principal}, not {who}"


GITHUB = "https://token.actions.githubusercontent.com"


def declared_credentials(environment, root):
    """Address of every federated credential that the root must make: who vouches, where the plan can know it, and for whom."""
    if root == "region":
        return {f'module.identities.azurerm_federated_identity_credential.this["{name}"]':
                (None, f"system:serviceaccount:{identity['namespace']}:{identity['serviceAccount']}")
                for name, identity in environment["identities"].items()}
    if root != "foundation":
        return {}
    repository, out = f"repo:{environment['owner']['repository']}", {}
    for name in environment["foundation"]["environments"]:
        for purpose, where in (("plan", "pull_request"), ("deploy", f"environment:{name}")):
            out[f'azurerm_federated_identity_credential.github["{name}-{purpose}"]'] = (GITHUB, f"{repository}:{where}")
    if environment["registry"]["environment"] == environment["environment"]["name"]:
        out['azurerm_federated_identity_credential.build["build"]'] = (GITHUB, f"{repository}:ref:refs/heads/main")
    return out


def check_credentials(environment, plan, root):
    """Each identity can be become by whom it is for, and by nobody else."""
    want = declared_credentials(environment, root)
    have = {a: r["values"] for a, r in resources(plan).items() if r["type"] == "azurerm_federated_identity_credential"}
    yield from (f"{address}: nobody can become this identity" for address in want.keys() - have.keys())
    yield from (f"{address}: a credential that nobody declared" for address in have.keys() - want.keys())
    for address in want.keys() & have.keys():
        issuer, subject = want[address]
        values = have[address]
        if values["subject"] != subject or values["audience"] != ["api://AzureADTokenExchange"] or issuer not in (None, values.get("issuer")):
            yield f"{address}: is for {values['subject']} of {values.get('issuer')}, not for {subject}"
