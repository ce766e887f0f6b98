"""What the Terraform sources must and must not say. Needs no tool and no provider."""
import json
import re

# Each makes a second plan differ from the first, or ties a resource's address to its place in a list.
REFUSED = {
    r"\b(plan)?timestamp\s*\(": "timestamp() differs in every plan: put the time into the environment file",
    r"\brandom_\w+": "random_* differs in every new state: derive names from the environment",
    r"\b(uuid|bcrypt)\s*\(": "uuid() and bcrypt() differ in every plan: uuidv5() of a name does not",
    r"^\s*count\s*=": "count makes addresses out of places in a list: for_each over a map or set keeps them",
    r"\bcount\.index\b": "count.index is a place in a list: use each.key",
    r"for_each\s*=\s*\{\s*for\s+(\w+)\s*,\s*\w+\s+in\s+[^:]*:\s*(tostring\(\s*)?\1\b(?!.*\bkeys\b)(?=.*\[)":
        "a list's index as key: adding an element would move the others",
    r'"(hashicorp/)?(azuread|kubernetes|helm)"': "not a provider here: group ids are inputs, Argo CD owns what is in clusters",
    r"\bsensitive\s*=\s*true": "nothing sensitive is an output or a variable here",
    r"\bkube_(admin_)?config|\bprimary_access_key\b|\bprimary_key\b|connection_string": "a secret of Azure's: use Entra",
}


def strip_comments(text):
    return re.sub(r"(?m)^\s*#.*$|\s#\s.*$", "", text)


def refused_in(text):
    """(line, why) for each thing that may not be there."""
    for number, line in enumerate(strip_comments(text).splitlines(), 1):
        for pattern, why in REFUSED.items():
            if re.search(pattern, line):
                yield number, why


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


def check_sources(root):
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


def check_names(rendered):
    """Names that must be unique in Azure are, over all environments, and each fits its limit."""
    limits = {"stateAccount": 24, "queueAccount": 24, "keyVault": 24, "cosmosAccount": 44, "redis": 60, "cluster": 63, "job": 32}
    seen = {}
    for environment, value in rendered.items():
        parts = [("global", value["global"]), *value["regions"].items()]
        if value["hub"]["environment"] == environment:
            parts += [("foundation", value["foundation"]), ("hub.runners", value["hub"].get("runners", {}))]
        for part, names in parts:
            for key, limit in limits.items():
                name = names.get(key)
                if name is None:
                    continue
                place = f"{environment}.{part}.{key}"
                if len(name) > limit:
                    yield f"{place}: {name} is longer than {limit}"
                if name in seen:
                    yield f"{place}: {name} is {seen[name]}'s name"
                seen[name] = place


# Each check must be able to fail: what it is shown here has to be found.
MUST_REFUSE = [
    "name = timestamp()", 'at = plantimestamp()', 'resource "random_id" "this" {', "id = uuid()", "  count = 2",
    "name = var.names[count.index]", "for_each = { for i, v in var.items : i => v if var.x[i] }",
    'source = "hashicorp/azuread"', "  sensitive = true", "value = azurerm_kubernetes_cluster.this.kube_config_raw",
    "value = azurerm_storage_account.this.primary_access_key",
]
MAY_STAY = ["# timestamp() is not used", 'id = uuidv5("url", "a")', "max_count = 2", "node_count = 1",
            "for_each = { for name, pool in var.pools : name => pool }"]


def check_the_checks():
    for text in MUST_REFUSE:
        if not list(refused_in(text)):
            yield f"the check of sources lets through: {text}"
    for text in MAY_STAY:
        for _, why in refused_in(text):
            yield f"the check of sources refuses {text}: {why}"
    if len(list(undescribed('variable "x" {\n  type = string\n}\noutput "y" {\n  value = 1\n}\n'))) != 3:
        yield "the check of descriptions overlooks one"
    same = {"keyVault": "kv-a"}
    twice = {name: {"global": same, "regions": {}, "foundation": {}, "hub": {"environment": "x"}} for name in ("a", "b")}
    if len(list(check_names(twice))) != 1:
        yield "the check of names overlooks a name that two environments have"
