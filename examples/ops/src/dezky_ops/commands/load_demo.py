"""`load-demo`: a believable company estate."""

from pathlib import Path

import click
from dezky import Dezky, Scope

from ..command_line import PATH, Common, common
from ..demo import DemoPlatform, Estate, Loaded, Person, load, make_estate, prepare_platform
from ..demo.load import foreign_tenants
from ..demo.platform import ISSUER_ID
from ..failure import Exit, Failure
from ..output import table


@click.command("load-demo")
@click.option("--tenants", type=click.IntRange(1, 100_000), default=25, show_default=True, help="How many companies.")
@click.option(
    "--people", type=click.IntRange(1, 1_000_000), default=500, show_default=True, help="How many people work in them."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another number makes another estate.")
@click.option(
    "--platform",
    "folder",
    type=PATH,
    help="Make a platform of its own in this folder: store, settings, an issuer, and access tokens to try it with.",
)
@click.option(
    "--issuer", default="default", show_default=True, help="Id of the configured issuer that knows the people."
)
@click.option("--yes", is_flag=True, help="Load also into a store that holds other tenants.")
@common(writes=True)
def load_demo(common: Common, tenants: int, people: int, seed: int, folder: Path | None, issuer: str, yes: bool) -> int:
    """Load a made-up estate: companies of several countries, their people, roles, subscriptions.

    The same numbers and seed make the same estate. What is there already is left alone, so that a load that was broken
    off goes on when it is run again.
    """
    if people < tenants:
        raise Failure(
            Exit.USAGE, "too_few_people", f"{tenants} companies need at least {tenants} people: raise --people"
        )
    estate = make_estate(tenants, people, seed)
    if common.dry_run:
        return foretell(common, estate)
    if folder is None:
        with common.scope() as scope:
            loaded = filled(common, scope, estate, issuer, yes=yes)
        return tell(common, loaded, {}, None)
    if common.store is not None or common.config is not None:
        raise Failure(
            Exit.USAGE, "two_stores", "--platform has a store and settings of its own: leave out --store and --config"
        )
    platform = prepare_platform(folder)
    with Dezky.open(config=platform.settings, environment=False, log="error") as opened:
        loaded = filled(common, opened.as_system(common.actor), estate, ISSUER_ID, yes=yes)
    return tell(common, loaded, platform.write_tokens(estate), platform)


def filled(common: Common, scope: Scope, estate: Estate, issuer: str, *, yes: bool) -> Loaded:
    """Loads the estate, unless the store is somebody's."""
    others = [] if yes else foreign_tenants(scope, estate)
    if others:
        message = (
            "the store holds tenants that are not of this demonstration; pass --yes if it is not a real platform's"
        )
        raise Failure(Exit.NOT_CONFIRMED, "store_in_use", message, tuple(others))
    total = 2 * len(estate.companies) + len(estate.people) + len(estate.employments)
    with common.output.progress("loading", total) as advance:
        return load(scope, estate, issuer, advance)


def foretell(common: Common, estate: Estate) -> int:
    """What would be loaded."""
    common.output.document(
        {
            "dryRun": True,
            "tenants": len(estate.companies),
            "people": len(estate.people),
            "memberships": len(estate.employments),
            "subscriptions": len(estate.companies),
        }
    )
    shown = table("tenant", "name", "country", "plan", "state", "people")
    sizes: dict[str, int] = {}
    for employment in estate.employments:
        sizes[employment.slug] = sizes.get(employment.slug, 0) + 1
    for company in estate.companies[:20]:
        shown.add_row(
            company.slug, company.name, company.country, company.plan, company.status, str(sizes[company.slug])
        )
    common.output.table(shown)
    common.output.line(
        f"would load {len(estate.companies):,} tenants, {len(estate.people):,} people, "
        f"{len(estate.employments):,} memberships and "
        f"{len(estate.companies):,} subscriptions, as far as they are not there"
    )
    return Exit.DONE


def tell(common: Common, loaded: Loaded, people: dict[str, Person], platform: DemoPlatform | None) -> int:
    """What was loaded, and how to go on."""
    tokens = {
        name: {"email": person.email, "file": str(platform.token_file(name))}
        for name, person in people.items()
        if platform
    }
    settings = str(platform.settings) if platform is not None else None
    common.output.document({**loaded.as_json(), "settings": settings, "tokens": tokens})
    common.output.line(
        f"loaded {loaded.tenants:,} tenants, {loaded.people:,} people, {loaded.memberships:,} memberships and "
        f"{loaded.subscriptions:,} subscriptions; {loaded.present:,} were there already"
    )
    if platform is not None:
        shown = table("who", "person", "e-mail", "access token, for 12 hours")
        for name, person in people.items():
            shown.add_row(name, person.name, person.email, str(platform.token_file(name)))
        common.output.table(shown)
        common.output.line(f"go on with: export DEZKY_CONFIG={settings}")
    return Exit.DONE
