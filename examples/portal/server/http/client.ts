// Which client a request comes from, where limits are for each.
import { BlockList, isIP, isIPv6 } from "node:net";
import type { H3Event } from "h3";

/** Proxies as NUXT_TRUSTED_PROXIES lists them; `null` where it is no list of addresses and networks. */
export function trustedProxies(setting: string): BlockList | null {
  const proxies = new BlockList();
  try {
    for (const entry of setting.split(",").map((one) => one.trim()).filter(Boolean)) {
      const [address = "", length] = entry.split("/");
      const family = isIPv6(address) ? "ipv6" : "ipv4";
      if (length === undefined) proxies.addAddress(address, family);
      else if (/^\d+$/.test(length)) proxies.addSubnet(address, Number(length), family);
      else return null;
    }
  } catch {
    return null;
  }
  return proxies;
}

let proxies: BlockList | undefined;

function isProxy(address: string): boolean {
  proxies ??= trustedProxies(String(useRuntimeConfig().trustedProxies)) ?? new BlockList();
  return proxies.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** An address of IPv4 as such, also where a socket for both has received it. */
const plain = (address: string) => address.trim().replace(/^::ffff:(?=\d+\.)/i, "");

/** What one client has: an address of IPv4, or a /64 of IPv6. */
function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const before = head.split(":").filter(Boolean);
  const after = (tail ?? "").split(":").filter(Boolean);
  const whole = tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0"), ...after];
  return whole.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}

/** The client of a request: whoever is connected, or whom trusted proxies name, the nearest to them. */
export function clientOf(event: H3Event): string {
  let address = plain(event.node.req.socket?.remoteAddress ?? "");
  const hops = (getRequestHeader(event, "x-forwarded-for") ?? "").split(",").map(plain).filter(Boolean);
  while (isIP(address) && isProxy(address) && hops.length) {
    const next = hops.pop()!;
    if (!isIP(next)) break;
    address = next;
  }
  return networkOf(address);
}
