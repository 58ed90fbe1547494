"""Backups: a consistent snapshot of a store in one file, verified before it gets its name, and its restoration."""

from .archive import Manifest, read_manifest
from .backing_up import Backup, back_up
from .restoring import Restoration, check, restore

__all__ = ["Backup", "Manifest", "Restoration", "back_up", "check", "read_manifest", "restore"]
