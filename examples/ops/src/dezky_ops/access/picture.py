"""A report as a picture: a matrix of people and actions, or the tenants with their people by role."""

from collections import Counter

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Patch
from matplotlib.ticker import MaxNLocator

from .. import drawing
from .collect import ORDER, Access, Report

MOST_ROWS = 48
"""More people are drawn as groups of those who may do the same."""
MOST_TENANTS = 40

RELATIONS = {
    "platform admin": "#7b5ea7",
    "owner": "#1f6f78",
    "admin": "#3d6fb6",
    "member": "#6fa8a0",
    "none": "#b9c0c8",
}
REFUSED = "#f0c9a0"
HIDDEN = "#eef1f4"


def draw(report: Report) -> Figure:
    """The picture that fits a report."""
    with drawing.look():
        return bars(report) if report.subject == "platform" else matrix(report)


def matrix(report: Report) -> Figure:
    """A row for each person (or tenant, of a person), a column for each action: as what it is allowed, or why not."""
    labelled = labelled_rows(report)
    # A tenant has other actions than the platform: each has its column, and a cell only where it means something.
    places = [access for _, access in labelled if access.tenant is not None] + [access for _, access in labelled]
    actions = list(dict.fromkeys(right.action for access in places for right in access.rights))
    width, height = 5.2 + 0.42 * len(actions), 3.1 + 0.33 * max(len(labelled), 1)
    drawn = drawing.figure(width, height)
    axes = drawn.add_subplot()
    drawing.bare(axes)
    numbers: dict[str, tuple[int, str]] = {}
    for row, (_, access) in enumerate(labelled):
        for right in access.rights:
            column = actions.index(right.action)
            outcome = str(right.outcome)
            colour = {"refuse": REFUSED, "hide": HIDDEN}.get(outcome) or RELATIONS[access.relation]
            box = FancyBboxPatch(
                (column - 0.42, row - 0.40), 0.84, 0.80, boxstyle="round,pad=0,rounding_size=0.12", fc=colour, ec="none"
            )
            # What lies within the axes needs no room of its own: without this, finding the layout takes seconds.
            box.set_in_layout(False)
            axes.add_patch(box)
            if outcome == "allow":
                partly = "◐" if right.forbidden_fields else "✓"
                axes.text(column, row, partly, ha="center", va="center", color="white", fontsize=9, in_layout=False)
            elif outcome == "refuse":
                number, _ = numbers.setdefault(right.reason, (len(numbers) + 1, right.because))
                axes.text(
                    column, row, str(number), ha="center", va="center", color="#8a5a1f", fontsize=8, in_layout=False
                )
    axes.set_xlim(-0.6, len(actions) - 0.4)
    axes.set_ylim(len(labelled) - 0.4, -0.6)
    axes.set_xticks(range(len(actions)), actions, rotation=55, ha="left", rotation_mode="anchor", fontsize=9)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(labelled)), [label for label, _ in labelled], fontsize=9.5, color=drawing.INK)
    axes.tick_params(length=0)
    legend(drawn, labelled, numbers)
    drawing.headline(drawn, report.title, f"{shown(report)} · {drawing.day(report.made)}, {report.made:%H:%M} UTC")
    return drawn


def shown(report: Report) -> str:
    """Of how many a picture tells."""
    if report.subject == "tenant":
        return f"{len(report.accesses):,} people"
    tenants = sum(access.tenant is not None for access in report.accesses)
    return f"the platform and {tenants:,} tenant{'' if tenants == 1 else 's'}"


def labelled_rows(report: Report) -> list[tuple[str, Access]]:
    """The rows, or groups of them where there are too many."""
    if len(report.accesses) <= MOST_ROWS:
        return [(label_of(report, access), access) for access in report.accesses]
    groups = []
    for example, alike in report.profiles():
        first = label_of(report, example)
        groups.append((first if len(alike) == 1 else f"{first}  ·  and {len(alike) - 1} more", example))
    return groups[:MOST_ROWS]


def label_of(report: Report, access: Access) -> str:
    """What a row is called."""
    if report.subject == "person":
        name = access.tenant.name if access.tenant is not None else "the platform"
    else:
        name = access.person.name or access.person.email or access.person.id
    relation = "" if access.relation == "none" else f"  ·  {access.relation}"
    disabled = "  ·  disabled" if str(access.person.status) == "disabled" else ""
    return f"{drawing.shortened(name, 30)}{relation}{disabled}"


def legend(drawn: Figure, labelled: list[tuple[str, Access]], numbers: dict[str, tuple[int, str]]) -> None:
    """What colours and numbers mean: only those that are there."""
    granted = {
        access.relation for _, access in labelled if any(str(right.outcome) == "allow" for right in access.rights)
    }
    partly = any(right.forbidden_fields for _, access in labelled for right in access.rights)
    hidden = any(str(right.outcome) == "hide" for _, access in labelled for right in access.rights)
    names = {name: "allowed to everybody" if name == "none" else f"allowed, as {name}" for name in RELATIONS}
    entries = [Patch(fc=colour, label=names[name]) for name, colour in RELATIONS.items() if name in granted]
    if partly:
        entries.append(Patch(fc="none", label="◐  some fields may not be set"))
    entries += [Patch(fc=REFUSED, label=f"{number}  {because}") for number, because in numbers.values()]
    if hidden:
        entries.append(Patch(fc=HIDDEN, label="hidden, as if it did not exist"))
    drawn.legend(
        handles=entries,
        loc="outside lower left",
        borderaxespad=1.8,
        ncols=2,
        handlelength=1.1,
        handleheight=1.1,
        columnspacing=2.2,
    )


def bars(report: Report) -> Figure:
    """A bar for each tenant: how many people it has in which role."""
    people: dict[str, Counter[str]] = {}
    names: dict[str, str] = {}
    admins = 0
    for access in report.accesses:
        if access.tenant is None:
            admins += 1
            continue
        names[access.tenant.id] = access.tenant.name
        people.setdefault(access.tenant.id, Counter())[access.relation] += 1
    largest = sorted(people, key=lambda tenant: (-people[tenant].total(), names[tenant].casefold()))[:MOST_TENANTS]
    drawn = drawing.figure(10.5, 2.6 + 0.30 * max(len(largest), 1))
    axes = drawn.add_subplot()
    axes.grid(visible=False)
    axes.grid(visible=True, axis="x")
    axes.spines["bottom"].set_visible(False)
    left = [0] * len(largest)
    for relation in ORDER:
        counts = [people[tenant][relation] for tenant in largest]
        if any(counts):
            axes.barh(range(len(largest)), counts, left=left, height=0.66, color=RELATIONS[relation], label=relation)
            left = [before + count for before, count in zip(left, counts, strict=True)]
    for row, total in enumerate(left):
        axes.text(total, row, f"  {total:,}", va="center", fontsize=9, color=drawing.FAINT)
    labels = [drawing.shortened(names[tenant], 34) for tenant in largest]
    axes.set_yticks(range(len(largest)), labels, color=drawing.INK, fontsize=9.5)
    axes.set_ylim(len(largest) - 0.4, -0.6)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if largest:
        drawn.legend(loc="outside lower left", borderaxespad=1.8, ncols=5, handlelength=1.1, handleheight=1.1)
    shown = (
        f"the {len(largest)} largest of {len(people):,} tenants"
        if len(people) > len(largest)
        else f"{len(people):,} tenants"
    )
    below = f"{shown} · {admins} administrators of the platform reach all of them · {drawing.day(report.made)}, {report.made:%H:%M} UTC"
    drawing.headline(drawn, "People with access, by role", below)
    return drawn
