"""Companies and people, made up from a seed."""

import hashlib
import random
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from .names import COLOURS, COUNTRIES, STREETS, Country

PLANS = (("starter", 10), ("business", 60), ("enterprise", 100_000))
"""Plans, and up to how many people a company takes each."""
TENANT_STATES = (("active", 88), ("pending", 7), ("suspended", 5))
SUBSCRIPTION_STATES = (("active", 84), ("trialing", 10), ("past_due", 6))
IN_SEVERAL = 0.04
"""The share of people who work for another company too: book-keepers, consultants."""
DISABLED = 0.02
SUPPORT_PEOPLE = 2
SPELLED = str.maketrans({"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ł": "l", "ø": "oe", "Ł": "L"})


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody."""

    name: str
    email: str
    subject: str
    """What the identity provider calls them."""
    platform_admin: bool = False
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Employment:
    """A membership."""

    slug: str
    email: str
    role: str


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant with its subscription."""

    slug: str
    name: str
    country: str
    domain: str
    address: str
    colour: str
    plan: str
    status: str
    subscription: str
    seats: int


@dataclass(slots=True)
class Estate:
    """A platform's companies and people."""

    companies: list[Company] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)
    """By e-mail address."""
    employments: list[Employment] = field(default_factory=list)


def make_estate(companies: int = 25, people: int = 500, seed: int = 1) -> Estate:
    """An estate with so many companies and so many people in them; the same for the same numbers.

    Raises `ValueError` when there are fewer people than companies.
    """
    if companies < 1 or people < companies:
        raise ValueError("there must be at least one company, and a person for each")
    dice = random.Random(f"dezky-demo-{seed}")
    estate = Estate()
    for company, size in zip(named_companies(dice, companies), sizes(dice, companies, people), strict=True):
        fill(dice, estate, company, size)
    share_people(dice, estate)
    for number in range(1, SUPPORT_PEOPLE + 1):
        email = f"support{number}@platform.example"
        estate.people[email] = Person(f"Platform Support {number}", email, subject_of(email), platform_admin=True)
    return estate


def sizes(dice: random.Random, companies: int, people: int) -> list[int]:
    """How many people each company has: many small ones and a few large ones, at least one each."""
    weights = [dice.paretovariate(1.15) for _ in range(companies)]
    spare, total = people - companies, sum(weights)
    counted = [1 + int(spare * weight / total) for weight in weights]
    for position in range(people - sum(counted)):
        counted[position % companies] += 1
    return counted


def named_companies(dice: random.Random, number: int) -> Iterator[tuple[str, str, Country]]:
    """Slug, name and country of so many companies, none twice."""
    slugs: set[str] = set()
    namesakes: Counter[str] = Counter()
    while len(slugs) < number:
        country = dice.choice(COUNTRIES)
        name = dice.choice(country.companies).format(dice.choice(country.family))
        slug = wanted = slug_of(name)
        if slug in slugs:
            # Two of one name live in two cities, and in a large estate there are more of them than cities.
            city = dice.choice(country.cities)
            name, slug = f"{name}, {city}", f"{wanted}-{slug_of(city)}"
            if slug in slugs:
                namesakes[wanted] += 1
                slug = f"{wanted}-{namesakes[wanted] + 1}"
        slugs.add(slug)
        yield slug, name, country


def fill(dice: random.Random, estate: Estate, named: tuple[str, str, Country], size: int) -> None:
    """Adds a company with its people."""
    slug, name, country = named
    domain = f"{slug}.example"
    plan = next(plan for plan, largest in PLANS if size <= largest)
    company = Company(
        slug,
        name,
        country.code,
        domain,
        f"{STREETS[country.code].format(dice.randint(1, 140))}\n{dice.choice(country.cities)}",
        dice.choice(COLOURS),
        plan,
        weighted(dice, TENANT_STATES),
        weighted(dice, SUBSCRIPTION_STATES),
        max(5, -(-size * dice.randint(100, 140) // 500) * 5),
    )
    estate.companies.append(company)
    admins = max(1, size // 12) if size > 2 else 0
    namesakes: Counter[str] = Counter()
    for position in range(size):
        person = somebody(dice, estate, country, domain, namesakes, certain=position < 3)
        role = "owner" if position == 0 else "admin" if position <= admins else "member"
        estate.employments.append(Employment(slug, person.email, role))


def somebody(
    dice: random.Random, estate: Estate, country: Country, domain: str, namesakes: Counter[str], *, certain: bool
) -> Person:
    """A new person of a company. Who is `certain` is not disabled."""
    given, family = dice.choice(country.given), dice.choice(country.family)
    local = f"{ascii_of(given)}.{ascii_of(family)}"
    namesakes[local] += 1
    number = str(namesakes[local]) if namesakes[local] > 1 else ""
    email = f"{local}{number}@{domain}"
    person = Person(f"{given} {family}", email, subject_of(email), disabled=dice.random() < DISABLED and not certain)
    estate.people[email] = person
    return person


def share_people(dice: random.Random, estate: Estate) -> None:
    """Lets some people work for another company too."""
    if len(estate.companies) < 2:
        return
    employed = {(employment.slug, employment.email) for employment in estate.employments}
    for email in dice.sample(sorted(estate.people), int(len(estate.people) * IN_SEVERAL)):
        other = dice.choice(estate.companies).slug
        if (other, email) not in employed:
            estate.employments.append(Employment(other, email, "member"))
            employed.add((other, email))


def weighted(dice: random.Random, choices: tuple[tuple[str, int], ...]) -> str:
    """One of them, by their weights."""
    return dice.choices([name for name, _ in choices], [weight for _, weight in choices])[0]


def subject_of(email: str) -> str:
    """What the identity provider would call a person: an opaque text, as Authentik's are."""
    return hashlib.sha256(f"dezky-demo/{email}".encode()).hexdigest()


@lru_cache(maxsize=4_096)
def ascii_of(text: str) -> str:
    """A text in the letters a to z, as it would be spelled in an address."""
    spelled = unicodedata.normalize("NFKD", text.lower().translate(SPELLED))
    return "".join(letter for letter in spelled if letter.isascii() and letter.isalnum())


def slug_of(text: str) -> str:
    """A DNS label for a name."""
    words = [ascii_of(word) for word in text.replace("&", " ").replace("-", " ").split()]
    legal = {"gmbh", "sas", "sarl", "srl", "spa", "sl", "sa", "bv", "ab", "lda", "sp", "z", "oo"}
    return "-".join(word for word in words if word and word not in legal)[:50].strip("-")
