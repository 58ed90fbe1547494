"""A believable company estate, made up: the same for the same size and seed."""

from .estate import Company, Employment, Estate, Person, make_estate
from .load import Loaded, load
from .platform import DemoPlatform, prepare_platform

__all__ = [
    "Company",
    "DemoPlatform",
    "Employment",
    "Estate",
    "Loaded",
    "Person",
    "load",
    "make_estate",
    "prepare_platform",
]
