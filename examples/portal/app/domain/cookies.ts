/** The domain of cookies that all hosts of the portal share: of `dezky.example.eu:3000` it is `dezky.example.eu`. */
export function cookieDomain(domain: string): string {
  return domain.replace(/:\d+$/, "");
}
