// Believable data for a look around: tenants with their own looks, people with different roles, subscriptions.
import { NotFoundError } from "@dezky/sdk";

/** The applications of a tenant, below its domain. */
const applications = (domain, ...names) => {
  const all = {
    mail: "Mail",
    files: "Files",
    calendar: "Calendar",
    meetings: "Meetings",
    office: "Office",
    chat: "Chat",
  };
  return names.map((name) => ({ title: all[name], url: `https://${name}.${domain}/`, icon: name }));
};

const TENANTS = [
  {
    slug: "nordlicht",
    name: "Nordlicht Architekten",
    status: "active",
    plan: "business",
    authentikGroup: "nordlicht",
    domains: ["nordlicht.example", "nordlicht-architekten.example"],
    domainVerifications: [{ name: "nordlicht.example", verifiedAt: "2026-03-02T09:14:00.000Z" }],
    billingInfo: {
      company: "Nordlicht Architekten GmbH",
      vatId: "DE811234567",
      email: "rechnung@nordlicht.example",
      address: "Hafenstraße 12, 20457 Hamburg",
    },
    branding: {
      primaryColor: "#3b3fd8",
      accentColor: "#12b5a6",
      launcherLinks: applications("nordlicht.example", "mail", "files", "calendar", "meetings", "office", "chat"),
    },
  },
  {
    slug: "fjord",
    name: "Fjord Logistikk",
    status: "active",
    plan: "enterprise",
    authentikGroup: "fjord",
    domains: ["fjord.example"],
    domainVerifications: [{ name: "fjord.example", verifiedAt: "2026-05-20T07:30:00.000Z" }],
    billingInfo: { company: "Fjord Logistikk AS", vatId: "NO987654321MVA", email: "faktura@fjord.example", address: "Strandgaten 4, 5013 Bergen" },
    branding: {
      primaryColor: "#0b6b4f",
      accentColor: "#f2b134",
      launcherLinks: applications("fjord.example", "mail", "files", "calendar", "meetings"),
    },
  },
  { slug: "alpina", name: "Alpina Genossenschaft", status: "suspended", plan: "business", domains: ["alpina.example"], branding: { primaryColor: "#9b1c31" } },
  { slug: "quartier", name: "Quartier Zéro", status: "pending", plan: "starter", domains: ["quartier-zero.example"] },
];

const FIRST = ["Aino", "Bram", "Chiara", "Dagmar", "Elif", "Florian", "Greta", "Hugo", "Inês", "Jonas", "Katarína", "Luuk", "Milena", "Nils", "Oona", "Pablo", "Rasmus", "Saoirse", "Théo", "Wanda"];
const LAST = ["Aalto", "Bianchi", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Horvat", "Ionescu", "Janssen", "Kowalska", "Larsen", "Müller", "Nowak", "O’Brien", "Petrov", "Rossi", "Svensson", "Tamm", "Virtanen"];
const PLACES = ["Aarhus", "Bologna", "Coimbra", "Dresden", "Espoo", "Freiburg", "Ghent", "Haarlem", "Innsbruck", "Košice", "Leuven", "Malmö", "Nantes", "Odense", "Porto", "Rennes", "Split", "Tartu", "Uppsala", "Vilnius"];
const TRADES = ["Optik", "Studio", "Werke", "Clinic", "Foundation", "Labs", "Verlag", "Energi"];
const PLANS = ["starter", "business", "enterprise"];
const STATES = ["active", "active", "active", "trialing", "past_due"];

const plain = (text) => text.normalize("NFD").replace(/[^a-zA-Z0-9]/g, "").toLowerCase();

/** What there is, or what `create` makes. */
async function existing(read, create) {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    return create();
  }
}

/** A user of the development provider, made before the first sign-in if need be. */
async function userOf(system, { subject, email, name }) {
  for await (const user of system.users.all({ email })) if (user.authentikSubjectId === subject) return user;
  return system.users.create({ authentikSubjectId: subject, email, name });
}

/**
 * Loads the data, once: what is there stays as it is.
 *
 * @param {import("@dezky/sdk").Dezky} dezky
 * @param {import("./people.mjs").Person[]} people
 */
export async function loadDemonstration(dezky, people) {
  const system = dezky.asSystem("demonstration");
  const users = {};
  for (const person of people) users[person.email.split("@")[0]] = await userOf(system, person);

  const make = async (input) => {
    let made = false;
    const tenant = await existing(
      () => system.tenants.get(input.slug),
      () => ((made = true), system.tenants.create(input)),
    );
    return { tenant, made };
  };

  const [nordlicht, fjord] = await Promise.all(TENANTS.map(make));
  if (nordlicht.made) {
    await system.members.grant("nordlicht", { userId: users.anna.id, role: "owner" });
    await system.members.grant("nordlicht", { userId: users.ben.id, role: "admin" });
    await system.members.grant("nordlicht", { userId: users.clara.id, role: "member" });
    const at = { domain: "nordlicht.example" };
    await system.mailboxes.create("nordlicht", { ...at, userId: users.anna.id, localPart: "anna", displayName: "Anna Lindqvist", aliases: ["office", "postmaster"] });
    await system.mailboxes.create("nordlicht", { ...at, userId: users.ben.id, localPart: "ben", displayName: "Ben Hartmann", aliases: ["it"] });
    await system.mailboxes.create("nordlicht", { ...at, userId: users.clara.id, localPart: "clara.moreau", displayName: "Clara Moreau" });
    await system.subscriptions.create({ tenantId: nordlicht.tenant.id, seats: 40, currentPeriodEndsAt: "2027-03-01T00:00:00.000Z" });
    for (const [index, first] of FIRST.entries()) {
      const name = `${first} ${LAST[(index * 7) % LAST.length]}`;
      const email = `${plain(first)}@nordlicht.example`;
      const { id } = await userOf(system, { subject: `demonstration-${plain(first)}`, email, name });
      await system.members.grant("nordlicht", { userId: id, role: index % 9 === 4 ? "admin" : "member" });
    }
  }
  if (fjord.made) {
    await system.members.grant("fjord", { userId: users.dario.id, role: "owner" });
    await system.members.grant("fjord", { userId: users.anna.id, role: "member" });
    await system.mailboxes.create("fjord", { userId: users.dario.id, localPart: "dario", domain: "fjord.example", displayName: "Dario Conti" });
    await system.subscriptions.create({ tenantId: fjord.tenant.id, seats: 250, status: "trialing", trialEndsAt: "2026-12-31T00:00:00.000Z" });
  }
  for (const [index, place] of PLACES.entries()) {
    const trade = TRADES[index % TRADES.length];
    const { tenant, made } = await make({
      slug: `${plain(place)}-${plain(trade)}`,
      name: `${place} ${trade}`,
      status: index % 11 === 7 ? "suspended" : "active",
      plan: PLANS[index % PLANS.length],
      domains: [`${plain(place)}-${plain(trade)}.example`],
      branding: { primaryColor: `#${((index * 2_654_435) % 0xffffff).toString(16).padStart(6, "0")}` },
    });
    if (made) await system.subscriptions.create({ tenantId: tenant.id, seats: 5 + ((index * 13) % 90), status: STATES[index % STATES.length] });
  }
}
