"""Components of an artefact, as a bill of materials has them."""

from typing import NamedTuple

from cyclonedx.model.component import Component


class Parts(NamedTuple):
    """Components, the one that the others belong to, and which depends on which."""

    root: Component
    components: list[Component]
    edges: list[tuple[Component, Component]]
