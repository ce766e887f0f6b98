"""Who may do what: each grant of the file is in the plan, with its role, on its scope and for its principal, and there is no other.
Likewise each federated credential. These checks read second plans (second_plan.py), in which every id is known."""
import uuid

from arm import Places, identity_id, issuer_of, resource_id
from azure_stub import principal_id
from planner import differences, resources

GIVES_ROLES = "Role Based Access Control Administrator"
# What the deploy pipelines may give: what the roots global and region assign, and none that gives roles itself.
ASSIGNABLE = {
    "AcrPull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
    "Azure Kubernetes Service RBAC Reader": "7f6c6a51-bcf8-42ba-9220-52d62157d7db",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Managed Identity Operator": "f1a07417-d97a-45cb-824c-7a7467783830",
    "Network Contributor": "4d97b98b-1d4f-4787-a291-c67834d212e7",
    "Storage Queue Data Message Processor": "8a0f0c08-91a1-4084-bc3d-661d67233fed",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "Storage Queue Data Reader": "19e7f393-937e-4f77-808e-94535e297925",
}
QUEUE_ROLES = {"send": "Storage Queue Data Message Sender", "receive": "Storage Queue Data Message Processor",
               "measure": "Storage Queue Data Reader"}
COSMOS_ROLES = {"read": "00000000-0000-0000-0000-000000000001", "write": "00000000-0000-0000-0000-000000000002"}
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"


def only_assignable():
    """The condition on whoever gives roles, word for word."""
    ids = ", ".join(guid for _, guid in sorted(ASSIGNABLE.items()))
    return " AND ".join(
        f"((!(ActionMatches{{'{ASSIGNMENTS}/{action}'}})) OR (@{source}[{ASSIGNMENTS}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{ids}}}))"
        for action, source in (("write", "Request"), ("delete", "Resource")))


def grant(scope, role, identity=None, principal=None):
    """What an assignment of a role must say; who may give roles, under that condition only."""
    gives = role == GIVES_ROLES
    return {"scope": scope, "role_definition_name": role, "principal_id": principal or principal_id(identity),
            "condition": only_assignable() if gives else None, **({"condition_version": "2.0"} if gives else {})}


def endpoint_role(places):
    """The role of ours for those who connect a network to the registry: its id is made from the registry's."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{places.registry}/endpoints"))


def pipeline_grants(environment, places):
    prefix = environment["azure"]["prefix"]
    for name in environment["foundation"]["environments"]:
        state = f"{places.state}/blobServices/default/containers/{environment['foundation']['stateContainers'][name]}"
        for purpose, role in (("plan", "Reader"), ("deploy", "Contributor")):
            who = f"id-{prefix}-{name}-{purpose}"
            yield f'subscription["{name}-{purpose}"]', grant(places.subscription, role, who)
            yield f'state["{name}-{purpose}"]', grant(state, f"Storage Blob Data {role}", who)
        yield f'roles["{name}-deploy"]', grant(places.subscription, GIVES_ROLES, who)
        yield f'clusters["{name}-deploy"]', grant(places.subscription, "Azure Kubernetes Service RBAC Cluster Admin", who)
        if not holds_registry(environment):
            role = f"/subscriptions/{environment['registry']['subscription']}/providers/Microsoft.Authorization/roleDefinitions/{endpoint_role(places)}"
            yield f'registry_roles["{name}-deploy"]', grant(places.registry, GIVES_ROLES, who)
            yield f'registry_endpoints["{name}-deploy"]', {"scope": places.registry, "role_definition_id": role, "principal_id": principal_id(who)}


def holds_registry(environment):
    return environment["registry"]["environment"] == environment["foundation"]["environment"]


def foundation_grants(environment, places):
    """What the pipelines may do: plan reads, deploy writes and gives roles, build pushes; and the hub's runners, who pull."""
    for address, given in pipeline_grants(environment, places):
        yield f"azurerm_role_assignment.{address}", given
    if holds_registry(environment):
        yield 'azurerm_role_assignment.build["build"]', grant(places.registry, "AcrPush", f"id-{environment['azure']['prefix']}-build")
    if "runners" in environment["hub"]:
        runners = environment["hub"]["runners"]
        vault = resource_id(places.foundation, "azurerm_key_vault", runners["keyVault"])
        yield f'azurerm_role_assignment.runners_pull["{runners["keyVault"]}"]', grant(places.registry, "AcrPull", runners["identity"])
        yield (f'module.runners_vault["{runners["keyVault"]}"].azurerm_role_assignment.reader["runners"]',
               grant(f"{vault}/secrets/{runners['secret']}", "Key Vault Secrets User", runners["identity"]))


def global_grants(environment, places):
    account = places.in_world("azurerm_cosmosdb_account", "cosmosAccount")
    for key, given in environment["grants"]["containers"].items():
        container = environment["containers"][given["container"]]
        yield f'module.cosmos.azurerm_cosmosdb_sql_role_assignment.this["{key}"]', {
            "scope": f"{account}/dbs/{container['database']}/colls/{container['name']}",
            "role_definition_id": f"{account}/sqlRoleDefinitions/{COSMOS_ROLES[given['access']]}",
            "principal_id": principal_id(environment["identities"][given["identity"]]["name"])}
    if "edge" in environment:
        names = environment["global"]
        scope = f"{places.in_world('azurerm_key_vault', 'keyVault')}/secrets/{names['certificate']}"
        readers = {"application-gateway": names["applicationGatewayIdentity"],
                   "external-secrets": environment["identities"]["external-secrets"]["name"]}
        for reader, who in readers.items():
            yield (f'module.key_vault["{names["keyVault"]}"].azurerm_role_assignment.reader["{reader}"]',
                   grant(scope, "Key Vault Secrets User", who))


def service_grants(environment, places, region):
    """What services may do with what their region keeps."""
    grants, names = environment["grants"], environment["regions"][region]
    who = {name: identity["name"] for name, identity in environment["identities"].items()}
    account = places.in_region(region, "azurerm_storage_account", "queueAccount")
    for key, given in grants["queues"].items():
        queue = environment["queues"][given["queue"]]["name"]
        yield (f'module.queues.azurerm_role_assignment.this["{key}"]',
               grant(f"{account}/queueServices/default/queues/{queue}", QUEUE_ROLES[given["access"]], who[given["identity"]]))
    vault = places.in_region(region, "azurerm_key_vault", "keyVault")
    for key, given in grants["secrets"].items():
        yield (f'module.key_vault.azurerm_role_assignment.reader["{key}"]',
               grant(f"{vault}/secrets/{given['secret']}", "Key Vault Secrets User", who[given["identity"]]))
    for service, given in grants["redis"].items() if "redis" in environment["data"] else ():
        yield f'module.redis["{names["redis"]}"].azurerm_managed_redis_access_policy_assignment.this["{service}"]', {
            "managed_redis_id": places.in_region(region, "azurerm_managed_redis", "redis"), "object_id": principal_id(who[given["identity"]])}


def region_grants(environment, places, region):
    yield from service_grants(environment, places, region)
    cluster = places.in_region(region, "azurerm_kubernetes_cluster", "cluster")
    for group in environment["azure"]["groups"]["developers"]:
        yield f'azurerm_role_assignment.developers["{group}"]', grant(cluster, "Azure Kubernetes Service RBAC Reader", principal=group)
    name = environment["regions"][region]["cluster"]
    kubelet, control_plane = f"id-{name}-kubelet", f"id-{name}-control-plane"
    for key, given in {
        "control_plane_network": grant(places.in_region(region, "azurerm_virtual_network", "network"), "Network Contributor", control_plane),
        "control_plane_kubelet": grant(identity_id(places.region(region), kubelet), "Managed Identity Operator", control_plane),
        "kubelet_pull": grant(places.registry, "AcrPull", kubelet),
    }.items():
        yield f"module.cluster.azurerm_role_assignment.{key}", given


def declared_grants(environment, root, region):
    """Every grant that the root must make, by its address."""
    places = Places(environment)
    return dict(foundation_grants(environment, places) if root == "foundation" else
                global_grants(environment, places) if root == "global" else
                region_grants(environment, places, region) if root == "region" else ())


def compare(want, have, missing, unknown):
    """`want`: by address, the values that a resource must have."""
    yield from (f"{address}: {missing}" for address in want.keys() - have.keys())
    yield from (f"{address}: {unknown}" for address in have.keys() - want.keys())
    for address in sorted(want.keys() & have.keys()):
        yield from differences(address, ((key, have[address].get(key), value) for key, value in want[address].items()))


def check_grants(environment, plan, root, region=None):
    """Each grant exists, with its role, its scope and its principal, and there is no other."""
    have = {a: r["values"] for a, r in resources(plan).items() if "role_assignment" in r["type"] or "access_policy" in r["type"]}
    yield from compare(declared_grants(environment, root, region), have, "this grant is missing", "a grant that nobody declared")


def check_roles(environment, plan, root):
    """The one role of ours is defined by who holds the registry, lets its private endpoints be approved, and no more."""
    places, want = Places(environment), {}
    if root == "foundation" and holds_registry(environment):
        actions = ["registries/read", "registries/privateEndpointConnectionsApproval/action"]
        want[f'azurerm_role_definition.registry_endpoints["{endpoint_role(places)}"]'] = {
            "scope": places.registry_group, "assignable_scopes": [places.registry_group],
            "permissions": [{"actions": [f"Microsoft.ContainerRegistry/{action}" for action in actions],
                             "data_actions": None, "not_actions": None, "not_data_actions": None}]}
    have = {a: r["values"] for a, r in resources(plan).items() if r["type"] == "azurerm_role_definition"}
    yield from compare(want, have, "this role is missing", "a role that nobody declared")


def credential(identity, issuer, subject):
    return {"user_assigned_identity_id": identity, "issuer": issuer, "subject": subject, "audience": ["api://AzureADTokenExchange"]}


def region_credentials(environment, places, region):
    issuer = issuer_of(environment["regions"][region]["cluster"])
    for name, identity in environment["identities"].items():
        yield (f'module.identities.azurerm_federated_identity_credential.this["{name}"]',
               credential(identity_id(places.world, identity["name"]), issuer,
                          f"system:serviceaccount:{identity['namespace']}:{identity['serviceAccount']}"))


def foundation_credentials(environment, places):
    github, repository = "https://token.actions.githubusercontent.com", environment["foundation"]["subject"]
    prefix = environment["azure"]["prefix"]
    for name in environment["foundation"]["environments"]:
        for purpose, where in (("plan", "pull_request"), ("deploy", f"environment:{name}")):
            identity = identity_id(places.foundation, f"id-{prefix}-{name}-{purpose}")
            yield (f'azurerm_federated_identity_credential.github["{name}-{purpose}"]',
                   credential(identity, github, f"{repository}:{where}"))
    if holds_registry(environment):
        yield ('azurerm_federated_identity_credential.build["build"]',
               credential(identity_id(places.foundation, f"id-{prefix}-build"), github, f"{repository}:ref:refs/heads/main"))


def check_credentials(environment, plan, root, region=None):
    """Each identity can be become by whom it is for, and by nobody else."""
    places = Places(environment)
    want = dict(region_credentials(environment, places, region) if root == "region" else
                foundation_credentials(environment, places) if root == "foundation" else ())
    have = {a: r["values"] for a, r in resources(plan).items() if r["type"] == "azurerm_federated_identity_credential"}
    yield from compare(want, have, "nobody can become this identity", "a credential that nobody declared")


def check_assignable(plan):
    """Roots that the pipelines apply assign no role that their condition would refuse."""
    used = {r["values"].get("role_definition_name") for r in resources(plan).values() if r["type"] == "azurerm_role_assignment"}
    yield from (f"assigns {role}, which the deploy pipeline may not give" for role in used - ASSIGNABLE.keys())
