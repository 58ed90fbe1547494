import { forward } from "../dezky/forward";

/** Who is signed in, and what they have: `GET /users/me` of Dezky. */
export default defineEventHandler((event) => forward(event, "/users/me"));
