"""What the Terraform sources must and must not say. Needs no tool and no provider."""
import json
import re

# What a source may not say, and why. That no address is a place in a list is seen in the plans, too (plan_checks.check_kinds).
REFUSED = {
    r"\b(plan)?timestamp\s*\(": "timestamp() differs in every plan: put the time into the environment file",
    r"\btime_(static|rotating|offset|sleep)\b": "the time of an apply differs in every new state: put it into the environment file",
    r"\brandom_\w+": "random_* differs in every new state: derive names from the environment",
    r"\b(uuid|bcrypt)\s*\(": "uuid() and bcrypt() differ in every plan: uuidv5() of a name does not",
    r"^\s*count\s*=": "count makes addresses out of places in a list: for_each over a map or set keeps them",
    r"\bcount\.index\b": "count.index is a place in a list: use each.key",
    r"\bfor\s+(i|idx|index|n|pos|position)\s*,|\b(range|index)\s*\(": "a list's index as key: adding an element would move the others",
    r'^\s*source\s*=\s*"(?!hashicorp/azurerm"|\.{1,2}/)': "neither our provider nor our module: group ids are inputs, Argo CD owns what is in clusters",
    r'^(provider|data|resource) "(?!azurerm["_]|terraform_data")': "azurerm is the one provider here; what it lacks, a script does (terraform_data)",
    r"\bnull_resource\b": "terraform_data needs no provider",
    r"\bignore_changes\s*=\s*all\b": "nobody would hear of any change: name what another owns",
    r"\bsensitive\s*=\s*true": "nothing sensitive is an output or a variable here",
    r"\bkube_(admin_)?config|\b(primary|secondary)\w*_key\b|\badmin_password\b|connection_string": "a secret of Azure's: use Entra",
}


# The first of two variables is a list's index as well as a map's key: alone it is an address, which says what it is (a number is
# refused in the plans); within a name it could be either.
TWO_VARIABLES = re.compile(r"\bfor\s+(\w+)\s*,\s*\w+\s+in\s+[^:]*?\s:\s+(.*?)(?:=>|\sif\s|[\]}\n])")


def strip_comments(text):
    return re.sub(r"(?m)^\s*#.*$|\s#\s.*$", "", text)


def refused_in(text):
    """(line, why) for each thing that may not be there."""
    text = strip_comments(text)
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, why in REFUSED.items():
            if re.search(pattern, line):
                yield number, why
    for found in TWO_VARIABLES.finditer(text):
        if found[2].strip() != found[1] and re.search(rf"\b{found[1]}\b", found[2]):
            yield text.count("\n", 0, found.start()) + 1, f"{found[1]} may be a list's index, and makes a key here: use what the element is called"


def blocks(text, kind):
    """(name, body) of each top-level block."""
    return re.findall(rf'(?ms)^{kind} "([^"]+)" \{{\n(.*?)^\}}', text)


def undescribed(text):
    for name, body in blocks(text, "variable"):
        for key in ("description", "type", "nullable"):
            if not re.search(rf"(?m)^  {key}\s*=", body):
                yield f"variable {name} has no {key}"
    for name, body in blocks(text, "output"):
        if not re.search(r"(?m)^  description\s*=", body):
            yield f"output {name} has no description"


# What a workflow runs of others' is named by commit: a tag can be moved to other code, which then runs with our rights.
UNPINNED = re.compile(r"uses: (?!\./)(?!\S+@[0-9a-f]{40} # v)(\S+)")


def unpinned(text):
    return UNPINNED.findall(text)


def check_workflows(root):
    for path in [*sorted((root / ".github/workflows").glob("*.y*ml")), *sorted((root / "docs").glob("*.md"))]:
        yield from (f"{path.relative_to(root)}: {action} is not named by a commit, with its version behind" for action in unpinned(path.read_text()))


def check_sources(root):
    yield from check_workflows(root)
    folder = root / "infrastructure/terraform"
    for path in sorted(folder.rglob("*.tf")):
        if ".terraform" in path.parts:
            continue
        text, name = path.read_text(), path.relative_to(root)
        yield from (f"{name}:{line}: {why}" for line, why in refused_in(text))
        yield from (f"{name}: {what}" for what in undescribed(text))
    for module in sorted({path.parent for path in folder.rglob("main.tf")}):
        if not (module / "terraform.tf").is_file() or "required_version" not in (module / "terraform.tf").read_text():
            yield f"{module.relative_to(root)}: terraform.tf with required_version is missing"


def environments(root):
    return {path.parent.name: json.loads(path.read_text())
            for path in sorted((root / "infrastructure/rendered").glob("*/environment.json"))}


# How long Azure lets a name be, by the part of environment.json and the key that it has there.
LIMITS = {
    "foundation": {"resourceGroup": 90, "stateAccount": 24},
    "registry": {"name": 50},
    "hub": {"resourceGroup": 90},
    "hub.regions": {"network": 64, "dnsResourceGroup": 90, "firewall": 56, "firewallPolicy": 80},
    "hub.runners": {"environment": 60, "job": 32, "identity": 128, "keyVault": 24},
    "global": {"resourceGroup": 90, "cosmosAccount": 44, "keyVault": 24, "applicationGatewayIdentity": 128, "frontDoor": 90,
               "frontDoorEndpoint": 46, "frontDoorPolicy": 128},
    "identities": {"name": 120},
    "regions": {"resourceGroup": 90, "nodeResourceGroup": 80, "network": 64, "cluster": 63, "redis": 60, "queueAccount": 24, "keyVault": 24,
                "applicationGateway": 80, "logWorkspace": 63},
}
HOST_LIMIT = 253


def parts(environment, value):
    """(place, kind of part, its names) of everything that this environment makes itself."""
    yield "global", "global", value["global"]
    for kind in ("regions", "identities"):
        yield from ((f"{kind}.{name}", kind, names) for name, names in value.get(kind, {}).items())
    if value["hub"]["environment"] == environment:
        yield "foundation", "foundation", value["foundation"]
        yield "hub", "hub", value["hub"]
        yield "hub.runners", "hub.runners", value["hub"].get("runners", {})
        yield from ((f"hub.regions.{name}", "hub.regions", names) for name, names in value["hub"].get("regions", {}).items())
    if value.get("registry", {}).get("environment") == environment:
        yield "registry", "registry", value["registry"]


def names_in(environment, value):
    """(place, name, how long it may be) of all names and hosts."""
    for part, kind, names in parts(environment, value):
        yield from ((f"{environment}.{part}.{key}", names[key], limit) for key, limit in LIMITS[kind].items() if key in names)
    yield from ((f"{environment}.edge.hosts", host, HOST_LIMIT) for host in value.get("edge", {}).get("hosts", []))


def check_names(rendered):
    """No name is given twice, over all environments, and each fits its limit."""
    seen = {}
    for environment, value in rendered.items():
        for place, name, limit in names_in(environment, value):
            if len(name) > limit:
                yield f"{place}: {name} is longer than {limit}"
            if name.lower() in seen:
                yield f"{place}: {name} is {seen[name.lower()]}'s name"
            seen[name.lower()] = place


# Each check must be able to fail: what it is shown here has to be found.
MUST_REFUSE = [
    "name = timestamp()", "at = plantimestamp()", 'resource "random_id" "this" {', "id = uuid()", "  count = 2",
    "name = var.names[count.index]", "for_each = { for i, v in var.items : i => v if var.x[i] }", "  for i, v in var.items : tostring(i) => v",
    'for_each = { for k, v in var.pools : "pool-${k}" => v }', 'for_each = toset([for k, v in var.pools : "pool-${k}"])',
    "for_each = {\n    for place, v in var.pools : format(\"pool-%d\", place) => v\n  }", "for_each = { for k, v in var.x : tostring(k) => v }",
    "for_each = zipmap(range(length(var.x)), var.x)", "for_each = { for v in var.x : index(var.x, v) => v }",
    'source = "hashicorp/azuread"', '  source  = "Azure/azapi"', 'resource "time_static" "this" {', 'resource "null_resource" "x" {',
    'data "external" "x" {', 'provider "kubernetes" {', "    ignore_changes = all", "  sensitive = true",
    "triggers_replace = [timestamp()]", "value = azurerm_kubernetes_cluster.this.kube_config_raw",
    "value = azurerm_storage_account.this.primary_access_key", "value = azurerm_storage_account.this.secondary_access_key",
    "value = azurerm_cosmosdb_account.this.primary_readonly_key", "value = azurerm_cosmosdb_account.this.secondary_key",
    "value = azurerm_log_analytics_workspace.this.primary_shared_key", "value = azurerm_container_registry.this.admin_password",
]
MAY_STAY = ["# timestamp() is not used", 'id = uuidv5("url", "a")', "max_count = 2", "node_count = 1",
            "for_each = { for name, pool in var.pools : name => pool }", "one([for name, r in var.regions : name if r.primary])",
            "{ for order, r in var.regions : r.location => merge(r, { order = order }) }", "shared_access_key_enabled = false", 'source = "../modules/spoke"',
            'resource "azurerm_subnet" "this" {', 'resource "terraform_data" "x" {', "ignore_changes = [node_count]"]
# Names that would collide in Azure, and one that is too long.
ALONE = {"global": {"keyVault": "kv-a"}, "regions": {"one": {"network": "v", "logWorkspace": "l"}}, "hub": {"environment": "x"}, "edge": {"hosts": ["h"]}}
COLLISIONS = [
    {"a": ALONE, "b": {**ALONE, "regions": {}, "edge": {}}},
    {"a": ALONE, "b": {"global": {}, "regions": {}, "hub": {"environment": "x"}, "edge": {"hosts": ["h"]}}},
    {"a": {**ALONE, "regions": {"one": {"resourceGroup": "rg"}, "two": {"resourceGroup": "rg"}}}},
    {"a": {**ALONE, "regions": {"one": {"nodeResourceGroup": "rg"}, "two": {"network": "rg"}}}},
    {"a": {**ALONE, "global": {"frontDoorEndpoint": "e"}}, "b": {"global": {"frontDoorEndpoint": "e"}, "regions": {}, "hub": {"environment": "x"}}},
    {"a": {**ALONE, "registry": {"environment": "a", "name": "r" * 51}}},
]


def check_the_checks():
    for text in MUST_REFUSE:
        if not list(refused_in(text)):
            yield f"the check of sources lets through: {text}"
    for text in MAY_STAY:
        for _, why in refused_in(text):
            yield f"the check of sources refuses {text}: {why}"
    if unpinned("uses: a/b@v4\n- uses: a/b@main # v1\nuses: ./x\nuses: a/b@" + "0" * 40 + " # v1\nuses: a/b@" + "0" * 40) != [
            "a/b@v4", "a/b@main", "a/b@" + "0" * 40]:
        yield "the check of workflows overlooks an action that is not pinned"
    if len(list(undescribed('variable "x" {\n  type = string\n}\noutput "y" {\n  value = 1\n}\n'))) != 3:
        yield "the check of descriptions overlooks one"
    for rendered in COLLISIONS:
        if len(list(check_names(rendered))) != 1:
            yield f"the check of names finds {list(check_names(rendered))} in {rendered}"
