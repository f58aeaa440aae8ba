"""The address book (通讯录): derived from memberships and duty phones, never typed.

`rules.MATRIX` says who sees what; `docs/visibility.md` is generated from it.
"""
