"""Syntax trees of source files, for tests of conventions."""

import ast

_ATTEMPTS = 5


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a module.

    CPython 3.11 counts the depth of all conversions of an interpreter together. If another thread converts a
    tree at the same time, as servers of earlier tests may, both can end with a SystemError, so it is retried.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return ast.parse(source)
        except SystemError:
            continue
    return ast.parse(source)
