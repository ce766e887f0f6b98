"""What the real provider and the reader of environment.json accept and refuse, beyond what the environments use. What a
module refuses of its own is in its tests/unit.tftest.hcl."""
import json

from planner import PlanError

GATEWAY = {
    "source": "../modules/application-gateway", "name": "agw-x", "location": "northeurope", "resource_group_name": "rg", "tags": {}, "zones": [],
    "subnet_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/a",
    "private_link_subnet_id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/p",
    "private_ip": "10.1.10.10", "gateway_ip": "10.1.8.10", "host": "o.example",
    "certificate_secret_id": "https://kv-x.vault.azure.net/secrets/origin",
    "identity_id": "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i",
    "waf": {"mode": "prevention", "exclusions": [{"rule": "942100", "in": "argument", "name": "q", "reason": "search"}]},
}
FRONT_DOOR = {
    "source": "../modules/front-door", "name": "afd-x", "endpoint_name": "shop-x", "policy_name": "wafx", "resource_group_name": "rg", "tags": {},
    "waf": {"mode": "prevention", "limits": {"requestsPerMinute": 600}, "geo": {"allow": ["DE"], "block": []},
            "exclusions": [{"rule": "942100", "in": "argument", "name": "q", "reason": "search"},
                           {"rule": "942110", "in": "cookie", "name": "c", "reason": "signed"},
                           {"rule": "941100", "in": "header", "name": "h", "reason": "signed"}]},
}
SOUND = {"front door": FRONT_DOOR, "application gateway": GATEWAY}  # Exclusions and countries, which no environment has.

PROVIDER = {"azurerm": {"features": {}, "subscription_id": "00000000-0000-0000-0000-000000000001"}}


def words(text):
    """Terraform breaks its lines, with a bar before each."""
    return " ".join(text.replace("│", " ").split())


def plan_module(planner, tree, arguments):
    folder = tree / "infrastructure/terraform/refusal"
    folder.mkdir(exist_ok=True)
    (folder / "main.tf.json").write_text(json.dumps({
        "terraform": {"required_providers": {"azurerm": {"source": "hashicorp/azurerm", "version": "~> 5.0"}}},
        "provider": PROVIDER, "module": {"it": arguments}}))
    planner.ready.discard("refusal")
    planner.plan("refusal")


def refused(expected, attempt, place):
    try:
        attempt()
    except PlanError as error:
        if expected not in words(str(error)):
            yield f"{place} is refused, but not by \"{expected}\": {error}"
    else:
        yield f"{place} is not refused, which should say \"{expected}\""


def check(planner, tree):
    for name, arguments in SOUND.items():
        try:
            plan_module(planner, tree, arguments)
        except PlanError as error:
            yield f"the provider refuses the module {name}: {error}"
    yield from refused("sandbox does not apply the root foundation", lambda: planner.plan("foundation", environment="sandbox"),
                       "the foundation of a sandbox")
    yield from refused("never a range", lambda: planner.plan("foundation", environment="dev", open_to='["203.0.113.0/24"]'),
                       "a door that is open to a range")
    source = tree / "infrastructure/apps/catalog/needs.yaml"
    text = source.read_text()
    source.write_text(text + "# changed\n")
    yield from refused("is stale: infrastructure/apps/catalog/needs.yaml changed", lambda: planner.plan("global", environment="dev"),
                       "a stale environment.json")
    source.write_text(text)
    another = tree / "infrastructure/environments/another.yaml"
    another.touch()
    yield from refused("is stale: infrastructure/environments/*.yaml changed", lambda: planner.plan("hub", environment="dev"),
                       "the hub of environments that it does not know")
    another.unlink()
