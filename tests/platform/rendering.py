"""tools/render: what environment.json says of a service goes into the chart, and what does not fit is refused. Needs helm; says when it
is left out."""
import os
import shutil
import subprocess

READ = ["infrastructure/apps", "infrastructure/bootstrap", "infrastructure/charts", "infrastructure/rendered", "tools"]

DEV, STOREFRONT = "infrastructure/rendered/dev/environment.json", "infrastructure/apps/storefront/values"
# (file, what stands there, what is put there, what rendering then says or writes, whether it succeeds)
CASES = [
    (DEV, '"dev.shop.example"', '"www.my.shop"', "  hostnames:\n    - www.my.shop\n", True),
    (DEV, '"size": "small"', '"size": "large"', "cpu: \"1\"", True),
    (DEV, '"egress": []', '"egress": ["api.example.com"]', "cidr: 0.0.0.0/0", True),
    (DEV, '"10.17.9.0/24"', '"10.99.9.0/24"', "- ipBlock: {cidr: 10.99.9.0/24}", True),
    (DEV, '"redis": {}', '"redis": {"storefront": {"identity": "storefront"}}', "- {protocol: TCP, port: 10000}", True),
    (DEV, '"storefront": {\n      "size"', '"shopfront": {\n      "size"', "dev.yaml does not run storefront", False),
    (f"{STOREFRONT}-dev.yaml", "scaling:", "route: {hosts: [other.example]}\nscaling:", "names other.example, which is none of edge.hosts", False),
    (f"{STOREFRONT}-dev.yaml", "scaling:", "network: {from: [payments]}\nscaling:", "values-dev.yaml:2: network is no value", False),
    (f"{STOREFRONT}-sandbox.yaml", "route: {hosts: [sandbox.shop.example]}", "route: {}", "the environment has no edge.hosts", False),
    (f"{STOREFRONT}-sandbox.yaml", "sandbox.shop.example", "box.shop.example", "    - box.shop.example\n", True),
]


def rendered(tree):
    """Whether it succeeds, and what it says and writes."""
    done = subprocess.run([tree / "tools/render"], text=True, capture_output=True, timeout=60)
    written = "".join(path.read_text() for path in sorted((tree / "infrastructure/rendered").glob("*/*/manifests.yaml")))
    return done.returncode == 0, done.stdout + done.stderr + written


def findings(root, tree):
    helm = shutil.which("helm", path=f"{root / '.tools'}{os.pathsep}{os.environ['PATH']}")
    if not helm:
        print("platform: left out, as there is no helm: what tools/render makes of an environment")
        return
    for part in READ:
        shutil.copytree(root / part, tree / part)
    (tree / ".tools").mkdir()
    (tree / ".tools/helm").symlink_to(helm)
    if not rendered(tree)[0]:
        yield f"tools/render: {rendered(tree)[1]}"
    for file, there, instead, wanted, succeeds in CASES:
        path = tree / file
        text = path.read_text()
        path.write_text(text.replace(there, instead, 1))
        was = rendered(tree)
        if there not in text or was[0] != succeeds or wanted not in was[1]:
            yield f"tools/render: {file} with {instead!r} for {there!r}: {'succeeds' if was[0] else 'fails'}, without {wanted!r}"
        path.write_text(text)
