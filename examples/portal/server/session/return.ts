/** Where a person goes after they have signed in: a URL within the portal. */
export const RETURN_COOKIE = "dezky-return";
