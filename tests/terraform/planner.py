"""Plans a root of infrastructure/terraform with the real azurerm provider, offline, and hands out the plan as JSON."""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

MIRROR = "FAIRLEAD_PROVIDER_MIRROR"  # A filesystem mirror that holds hashicorp/azurerm.
PROVIDER_HOSTS = {"tofu": "registry.opentofu.org", "terraform": "registry.terraform.io"}
PROVIDERS = ("5.*/*/terraform-provider-azurerm*", "terraform-provider-azurerm_5.*.zip")  # Unpacked, packed.
TIMEOUT_SECONDS = 180


class PlanError(Exception):
    """Terraform refused; the text begins with its first error, and `said` is everything."""

    def __init__(self, said):
        super().__init__(said[max(said.find("Error:"), 0):])
        self.said = said


def find_tools(root):
    """(name and path of each tool that has a provider, why none has). Nothing is downloaded."""
    mirror = pathlib.Path(os.environ.get(MIRROR, root / ".tools/providers"))
    path = f"{root / '.tools'}{os.pathsep}{os.environ['PATH']}"
    found, missing = {}, []
    for name, host in PROVIDER_HOSTS.items():
        tool = shutil.which(name, path=path)
        if tool is None:
            missing.append(f"{name} is not installed")
        elif not any(any((mirror / host / "hashicorp/azurerm").glob(packed)) for packed in PROVIDERS):
            missing.append(f"{mirror} has no azurerm 5 for {name}")
        else:
            found[name] = tool
    return found, missing, mirror


class Planner:
    """One tool over one tree: `tree` holds infrastructure/ as the repository does."""

    def __init__(self, tool, tree, mirror, environment):
        self.tool, self.name, self.tree = tool, pathlib.Path(tool).name, pathlib.Path(tree)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="fairlead-terraform-"))
        (self.scratch / "rc").write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
        self.environment = {**{k: v for k, v in os.environ.items() if not k.startswith(("TF_", "ARM_"))}, **environment,
                            "TF_CLI_CONFIG_FILE": str(self.scratch / "rc"), "TF_IN_AUTOMATION": "1",
                            "CHECKPOINT_DISABLE": "1"}
        self.ready = set()
        self.plans = 0

    def close(self):
        shutil.rmtree(self.scratch)

    def run(self, root, *args):
        environment = {**self.environment, "TF_DATA_DIR": str(self.scratch / f"data-{root.replace('/', '-')}")}
        done = subprocess.run([self.tool, f"-chdir={self.tree / 'infrastructure/terraform' / root}", *args], text=True,
                              env=environment, capture_output=True, timeout=TIMEOUT_SECONDS)
        if done.returncode != 0:
            raise PlanError(done.stdout + done.stderr)
        return done.stdout

    def prepare(self, root):
        """The state stays out of it: the tree's copy of the root gets a local backend instead."""
        if root in self.ready:
            return
        (self.tree / "infrastructure/terraform" / root / "backend_override.tf").write_text(
            'terraform {\n  backend "local" {}\n}\n')
        self.run(root, "init", "-input=false", "-no-color")
        self.ready.add(root)

    def plan(self, root, state=None, **variables):
        """`state`: file of a state that the plan begins with; from nothing without."""
        self.prepare(root)
        out = self.scratch / "plan"
        self.plans += 1
        given = [f"-var={name}={value}" for name, value in variables.items()]
        before = [f"-state={state}"] if state else []
        self.run(root, "plan", "-input=false", "-no-color", "-refresh=false", "-lock=false", f"-out={out}", *before, *given)
        return json.loads(self.run(root, "show", "-json", str(out)))


def copy_tree(source, target):
    """infrastructure/ of the repository, without what an earlier run left."""
    shutil.copytree(pathlib.Path(source) / "infrastructure", pathlib.Path(target) / "infrastructure",
                    ignore=shutil.ignore_patterns(".terraform*", "backend_override.tf"))


def resources(plan):
    """Every resource that the plan makes, by address: its type and its planned values."""
    def walk(module):
        for resource in module.get("resources", []):
            if resource["mode"] == "managed":
                yield resource["address"], resource
        for child in module.get("child_modules", []):
            yield from walk(child)
    return dict(walk(plan["planned_values"]["root_module"]))


def of_type(plan, *kinds):
    """(address, resource) of each resource of these types."""
    return [(address, resource) for address, resource in resources(plan).items() if resource["type"] in kinds]


def differences(place, facts):
    """`facts`: what, as it is, as it should be."""
    return [f"{place}: {what} is {have}, not {want}" for what, have, want in facts if have != want]
