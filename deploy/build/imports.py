"""Imports every module of the packages named: `python imports.py identity authkit`.

It runs while an image is built, and fails if the image lacks something that the code imports, even in a part
that is rarely used.
"""

import importlib
import pkgutil
import sys


def main(names: list[str]) -> int:
    """Import the packages with all their modules; returns how many there were."""
    count = 0
    for name in names:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            # Programs begin to run.
            if not module.name.endswith(".__main__"):
                importlib.import_module(module.name)
                count += 1
    return count


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1:])} modules are imported\n")
