"""Licences as manifests name them."""

from functools import cache

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.license import License

FACTORY = LicenseFactory()


@cache
def licences(text: str) -> list[License]:
    """The licence of an SPDX expression; none of an empty text."""
    return [FACTORY.make_from_string(text)] if text else []
