"""Operators' scripts for Dezky: import, export, access and usage reports, revocation, backup and restore.

Each command is a thin shell over a module that can be used from Python:

- `dezky_ops.importing` reads tenants from CSV or JSON, checks all of them, and creates them;
- `dezky_ops.portability` writes everything about one tenant or one person into an archive;
- `dezky_ops.access` tells who may do what, and why;
- `dezky_ops.revocation` ends all access of a person and proves it;
- `dezky_ops.usage` counts tenants, people, plans and seats over time;
- `dezky_ops.snapshots` backs a store up, verifies what it wrote, and restores it;
- `dezky_ops.demo` makes up a company estate.
"""
