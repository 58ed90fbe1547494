// People of the development provider and of the demonstration data. Not for production: the passwords stand here.

/**
 * @typedef {object} Person
 * @property {string} subject `sub` of their tokens.
 * @property {string} email
 * @property {string} name
 * @property {string} password
 * @property {string[]} groups `groups` of their tokens.
 * @property {string} what What they are, for the list that is printed.
 */

/** Group whose members administer the platform. */
export const PLATFORM_GROUP = "dezky-platform";

/** @type {Person[]} */
export const people = [
  {
    subject: "b3a7c9d2-anna",
    email: "anna@nordlicht.example",
    name: "Anna Lindqvist",
    password: "anna-nordlicht",
    groups: ["nordlicht", "fjord"],
    what: "owner of Nordlicht, member of Fjord",
  },
  {
    subject: "c1f4e8a6-ben",
    email: "ben@nordlicht.example",
    name: "Ben Hartmann",
    password: "ben-nordlicht",
    groups: ["nordlicht"],
    what: "administrator of Nordlicht",
  },
  {
    subject: "d9b2a5f3-clara",
    email: "clara@nordlicht.example",
    name: "Clara Moreau",
    password: "clara-nordlicht",
    groups: ["nordlicht"],
    what: "member of Nordlicht",
  },
  {
    subject: "e7d6c4b1-dario",
    email: "dario@fjord.example",
    name: "Dario Conti",
    password: "dario-fjord",
    groups: ["fjord"],
    what: "owner of Fjord",
  },
  {
    subject: "f5a8b7c3-petra",
    email: "petra@dezky.example",
    name: "Petra Novák",
    password: "petra-dezky",
    groups: ["dezky", PLATFORM_GROUP],
    what: "administrator of the platform",
  },
];
