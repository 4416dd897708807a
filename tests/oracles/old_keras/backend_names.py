"""Writes ``stored/backend_names.json``: the public names of ``keras.backend`` of older versions, from their source.

python tests/oracles/old_keras/backend_names.py 1.2.2=SITE/keras/backend 2.3.1=SITE/keras/backend 2.15=SITE/keras/src
"""

import ast
import json
import sys
from pathlib import Path

STORED = Path(__file__).parent / "stored" / "backend_names.json"
FILES = ("__init__", "load_backend", "common", "theano_backend", "tensorflow_backend", "backend", "backend_config")


def names(folder: Path) -> set[str]:
    found = set()
    for path in (folder / f"{name}.py" for name in FILES):
        is_package_of_keras = path.stem == "__init__" and folder.name != "backend"
        for node in ast.parse(path.read_text()).body if path.is_file() and not is_package_of_keras else ():
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.Assign):
                found |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return {name for name in found if not name.startswith("_")}


if __name__ == "__main__":
    stored = {}
    for given in sys.argv[1:]:
        version, _, place = given.partition("=")
        stored[version] = sorted(names(Path(place)))
    STORED.write_text(json.dumps(stored, indent=0) + "\n")
