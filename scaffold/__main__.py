"""`python -m scaffold feature SERVICE NAME` and `python -m scaffold service NAME`."""

import argparse
import sys
from collections.abc import Sequence

from scaffold.feature import add_feature
from scaffold.members import disagreements
from scaffold.names import BadName
from scaffold.service import add_service

_AFTER_FEATURE = """
Next:
  make test ARGS="services/{service}/tests/test_{name}.py services/{service}/tests/test_{name}_rules.py"
  make snapshots    # records the new operations in docs/api
  Then adapt it: rules.py and its test first, then models.py with the migration, then the rest.
  docs/architecture.md, "Adding a feature", has the steps, and what else the commit needs.
"""
_AFTER_SERVICE = """
Next:
  make test ARGS=services/{name}/tests    # installs the service first
  make snapshots                          # records its REST reference
  make new-feature SERVICE={name} NAME=…
  Say in docs/architecture.md what it owns.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m scaffold")
    commands = parser.add_subparsers(dest="command", required=True)
    feature = commands.add_parser("feature", help="a feature of a service")
    feature.add_argument("service")
    feature.add_argument("name", help="plural, e.g. tasks")
    feature.add_argument("--one", help="its singular, where it is irregular")
    feature.add_argument("--label", help="its name in Chinese")
    service = commands.add_parser("service", help="a service")
    service.add_argument("name")
    service.add_argument("--label", help="its name in Chinese")
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "feature":
            written = add_feature(arguments.service, arguments.name, one=arguments.one, label=arguments.label)
            after = _AFTER_FEATURE.format(service=arguments.service, name=arguments.name)
        else:
            written = add_service(arguments.name, label=arguments.label)
            after = _AFTER_SERVICE.format(name=arguments.name)
    except BadName as error:
        sys.stderr.write(f"{error}\n")
        return 2
    written.format()
    sys.stdout.write("\n".join([*written.lines(), *disagreements()]) + "\n" + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
