"""Writes ``stored/surface.json``: modules, public names and signatures of older versions of Keras.

    python tests/oracles/old_keras/surface.py 1.2.2=SITE/keras 2.3.1=SITE/keras 2.15.0=SITE/keras

It reads the source of each installed package and imports none of it: names are facts about what a script could import.
"""

import ast
import json
import sys
from pathlib import Path

STORED = Path(__file__).parent / "stored" / "surface.json"
SKIPPED = ("src", "protobuf", "api", "backend", "tests", "__internal__", "legacy")  # inside, or tested elsewhere


def modules(root: Path) -> dict[str, Path]:
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not set(parts) & set(SKIPPED) and not any(part.startswith("_") for part in parts):
            found[".".join(parts)] = path
    return found


def names(path: Path) -> list[str]:
    """Functions, classes and constants of a module; of a package also what it imports from inside of itself."""
    found = set()
    inside = path.name == "__init__.py"
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        elif isinstance(node, ast.ImportFrom) and inside and (node.level or (node.module or "").startswith("keras")):
            found |= {alias.asname or alias.name for alias in node.names}
    return sorted(name for name in found if not name.startswith("_") and name != "*")


def signatures(paths: dict[str, Path]) -> dict[str, str]:
    """The constructor of each public class, without ``self`` and ``**kwargs``."""
    found = {}
    for address, path in paths.items():
        if not address.startswith(("layers", "optimizers", "regularizers", "constraints", "initializers", "callbacks")):
            continue
        for node in ast.parse(path.read_text()).body:
            own = [n for n in getattr(node, "body", []) if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
            if isinstance(node, ast.ClassDef) and own and not node.name.startswith("_"):
                arguments = own[0].args
                arguments.args, arguments.kwarg = arguments.args[1:], None
                found[node.name] = ast.unparse(arguments)
    return found


def main() -> None:
    stored = {}
    for given in sys.argv[1:]:
        version, _, place = given.partition("=")
        paths = modules(Path(place))
        stored[version] = {
            "modules": {address: names(path) for address, path in paths.items()},
            "signatures": signatures(paths) if version < "2.4" and not version.startswith("2.1") else {},
        }
    STORED.write_text(json.dumps(stored, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
