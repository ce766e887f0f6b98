"""The modules' own tests (tests/unit.tftest.hcl, with a mocked provider): that they pass, and would not without the modules'
validations. What needs the real provider is in plan_checks."""
import re

from planner import PlanError

MODULES = "infrastructure/terraform/modules"
VALIDATION = re.compile(r"(?ms)^  validation \{\n.*?^  \}\n")


def modules(tree):
    return sorted(path.parent.name for path in (tree / MODULES).glob("*/tests"))


def validations(text):
    """(variable, text of the block) of each validation in a variables.tf."""
    for name, body in re.findall(r'(?ms)^variable "([^"]+)" \{\n(.*?)^\}', text):
        yield from ((name, block) for block in VALIDATION.findall(body))


def check_sources(root):
    """Each validation of a module has a test in which it refuses. Needs no tool."""
    for file in sorted((root / MODULES).glob("*/variables.tf")):
        tests = "".join(path.read_text() for path in sorted(file.parent.glob("tests/*.tftest.hcl")))
        names = [name for name, _ in validations(file.read_text())]
        for name in sorted(set(names)):
            refused = len(re.findall(rf"expect_failures\s*=\s*\[var\.{name}\]", tests))
            if refused < names.count(name):
                yield f"{file.relative_to(root)}: {names.count(name)} validations of {name}, and {refused} tests that it refuses"


def results(planner, module):
    """Outcome of each run of a module's tests: pass, fail or skip; and what was said."""
    try:
        said = planner.run(f"modules/{module}", "test", "-no-color")
    except PlanError as error:
        said = error.said
    return dict(re.findall(r'(?m)^\s*run "(\w+)"\.\.\. (\w+)$', said)), said


def check(planner, tree):
    for module in modules(tree):
        planner.run(f"modules/{module}", "init", "-input=false", "-no-color", "-backend=false")
        outcome, said = results(planner, module)
        if not outcome or set(outcome.values()) != {"pass"}:
            yield f"tests of the module {module}: {said}"
        # Without any validation nothing is refused, or the tests refuse for another reason.
        file = tree / MODULES / module / "variables.tf"
        text = file.read_text()
        if not VALIDATION.search(text):
            continue
        file.write_text(VALIDATION.sub("", text))
        outcome, _ = results(planner, module)
        file.write_text(text)
        for name in (name for name, result in outcome.items() if name.startswith("refuses_") and result == "pass"):
            yield f"tests of the module {module}: {name} passes without a validation"


def check_the_checks():
    text = 'variable "x" {\n  type = string\n  validation {\n    condition = a\n  }\n  validation {\n    condition = b\n  }\n}\n'
    if [(name, "b" in block) for name, block in validations(text)] != [("x", False), ("x", True)]:
        yield "the tests of modules overlook a validation"
