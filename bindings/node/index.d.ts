import type { EventMessage, LauncherView, Scope } from "./lib/api.js";

export * from "./lib/api.js";

/** What a page of a list has. */
export interface Page<Item> {
  /** The items. */
  items: Item[];
  /** Where the next page begins; `null` on the last one. */
  nextCursor?: string | null;
}

/** Which part of a list a page shows. */
export interface ListQuery {
  /** The most items of a page, 1 to 200. Default: 50. */
  limit?: number;
  /** `nextCursor` of the page before. */
  cursor?: string;
}

/** What every method takes. */
export interface CallOptions {
  /** Ends the call: the promise is rejected with the signal's reason. Of what was asked for, all has happened or nothing. */
  signal?: AbortSignal;
}

/** What changes take. */
export interface ChangeOptions extends CallOptions {
  /**
   * The version that is to be changed: a document as this package gave it, or an entity tag with its quotes. Where somebody
   * else has changed it since, the call fails with `PreconditionFailedError`.
   */
  ifMatch?: string | object;
}

/** What creations take. */
export interface CreateOptions extends CallOptions {
  /** Makes a repeated call have one effect, and one answer; 1 to 255 plain characters, kept for 24 hours. */
  idempotencyKey?: string;
}

/** What actions take. */
export interface WriteOptions extends ChangeOptions, CreateOptions {}

/** An issuer whose access tokens are accepted. */
export interface IssuerOptions {
  /** Stable name under which its people are stored: lower-case letters, digits, `-`, `_` and `.`, at most 63 characters. */
  id: string;
  /** Values of `iss`, compared exactly, trailing slash included. The first one is where discovery looks. */
  urls: string[];
  /** Values of `aud`, of which a token must carry at least one. */
  audiences: string[];
  /** Where its signing keys are: `discovery`, a URL, or a JSON Web Key Set. Default: `discovery`. */
  jwks?: "discovery" | (string & {}) | { keys: object[] };
  /** What its access tokens look like. Default: `authentik`. */
  profile?: "authentik" | "rfc9068" | "any";
  /** Whether the claim of groups is read. Default: `sync` for the issuer `default`, `ignore` for every other. */
  groups?: "sync" | "ignore";
  /** What a token without that claim says: nothing (`keep`), or that the person is in no group (`none`). Default: `keep`. */
  groupsAbsent?: "keep" | "none";
  /** What it calls that claim: a name, or a JSON pointer such as `/realm_access/roles`. Default: `groups`. */
  claims?: { groups?: string };
  /** Slug of the only tenant that its people see. Default: none. */
  tenant?: string;
  /** How long its access tokens may live, such as `36h`, `7d` or a number of seconds. Default: 24 hours; at most 7 days. */
  maxTokenLife?: (string & {}) | number;
  /** Hosts beside its own on which its keys may be, with a port if it is not 443. Default: none. */
  jwksHosts?: string[];
  /** Whether the names of its hosts may have addresses of a private network. Default: no. */
  privateAddresses?: boolean;
}

/** Settings. What is left out comes from `DEZKY_*` variables, and then from the configuration file. */
export interface OpenOptions {
  /** The store: `sqlite:PATH`, `mongodb://…` or `mongodb+srv://…`, or `file:PATH` of a file that has it. */
  store?: string;
  /** URL of the issuer `default`, exactly as `iss` says it. */
  oidcIssuer?: string;
  /** Client ids that tokens of the issuer `default` may be for. */
  oidcAudience?: string | string[];
  /** All issuers, in place of every other setting of issuers. */
  issuers?: IssuerOptions[];
  /** Tenants live at `<slug>.<this>`. */
  publicDomain?: string;
  /** Members of this group administer the platform. */
  platformAdminGroup?: string;
  /** PEM file of authorities beside the system's. */
  extraCaCerts?: string;
  /** What is logged on standard error: a level, or a filter such as `warn,dezky=debug`. The first `open` decides. Default: `warn`. */
  log?: string;
  /** The configuration file. Default: `DEZKY_CONFIG`, else `dezky.toml` in the working folder if it is there. */
  config?: string;
  /** Whether `DEZKY_*` variables, and a file that no option names, are read. Default: `true`. */
  environment?: boolean;
  /**
   * Background tasks that this process runs: `"all"`, or names, as for `DEZKY_TASKS`. Of several processes that may run a task, one
   * does at a time. Default: none; `dezky serve` runs all.
   */
  tasks?: string | string[];
}

/** A token whose signature and claims hold. It says who is calling, and nothing about what they may do. */
export interface VerifiedToken {
  /** The stable `id` of the issuer. */
  readonly issuerId: string;
  /** `sub`. */
  readonly subject: string;
  /** `iat`, RFC 3339. */
  readonly issuedAt: string;
  /** `exp`, RFC 3339. */
  readonly expiresAt: string;
  /** `nbf`, RFC 3339. */
  readonly notBefore?: string;
  /** Slug of the tenant to which the issuer is bound: the token counts in that tenant alone. */
  readonly tenant?: string;
  /** `email`. Whether it belongs to the person is not known. */
  readonly email?: string;
  /** `name`, else `preferred_username`. */
  readonly name?: string;
  /** `sid`: the session at the identity provider. */
  readonly sessionId?: string;
  /** `jti`. */
  readonly tokenId?: string;
}

/** Dezky inside this process: the use cases and the API over a store. */
export class Dezky {
  private constructor();

  /**
   * Opens the store and begins to fetch the issuers' keys. A store or an issuer that does not answer is no error here: calls fail
   * with `UnavailableError` until it does.
   *
   * @throws {ConfigurationError} A setting is wrong; the message names it.
   */
  static open(options?: OpenOptions): Promise<Dezky>;

  /** The use cases as a person. The token is verified at every call, and a revoked right is gone with the next one. */
  asUser(accessToken: string): Scope;

  /**
   * The use cases as a named system actor, which may do everything and stands in the audit trail.
   *
   * @param name Such as `nightly-report`: 1 to 64 letters, digits, `-`, `_`, `.`, `@` or `:`.
   * @throws {InvalidError} The name cannot be used.
   */
  asSystem(name: string): Scope;

  /**
   * Verifies an access token: signature, issuer, audience and times. Waits only when keys must be fetched for it.
   *
   * @throws {UnauthenticatedError} `code` says why it is refused.
   * @throws {UnavailableError} The issuer does not tell its keys.
   */
  verify(accessToken: string, options?: CallOptions): Promise<VerifiedToken>;

  /**
   * The same at once, on this thread; `undefined` when keys must be fetched first, as `verify` does.
   *
   * @throws {UnauthenticatedError} `code` says why it is refused.
   */
  verifySync(accessToken: string): VerifiedToken | undefined;

  /**
   * The whole API as a web-standard handler. It may be handed over as it is: `const { fetch } = dezky`. Ends when the
   * request's signal does.
   */
  readonly fetch: (request: Request) => Promise<Response>;

  /**
   * How the launcher of the tenant at this host looks; public.
   *
   * @param host Host name, with or without a port: `acme.dezky.eu`.
   * @throws {NotFoundError} No tenant lives there.
   */
  launcher(host: string, options?: CallOptions): Promise<LauncherView>;

  /** Ends what runs beside the calls, waits for those under way and closes the store. Later calls fail with `closed`. */
  close(): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}

/** The entity tag of a document that this package gave, to hand it on; `undefined` for any other object. */
export function entityTag(document: object): string | undefined;

/** A bad field. */
export interface FieldError {
  /** Path of the field: `billingInfo.email`, `domains[2]`. */
  readonly field: string;
  /** The stable code. */
  readonly code: string;
  /** What to change. */
  readonly message: string;
}

/** The stable names of the kinds of errors; each has a class. */
export type ErrorKind =
  | "bad_request"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "method_not_allowed"
  | "conflict"
  | "precondition_failed"
  | "payload_too_large"
  | "unsupported_media_type"
  | "invalid"
  | "rate_limited"
  | "configuration"
  | "unavailable"
  | "internal";

/** What every failed call is rejected with, abortion aside. */
export class DezkyError extends Error {
  /** What went wrong, coarsely. */
  readonly kind: ErrorKind;
  /** What went wrong, exactly and for ever: `token_expired`, `last_owner`. */
  readonly code: string;
  /** The HTTP status that the API answers with. */
  readonly status: number;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** How long to wait before trying again, in seconds, where that is known. */
  readonly retryAfter?: number;
  /** The bad fields. */
  readonly fields: readonly FieldError[];
  /** Identifies the call in logs and audit events. */
  readonly requestId?: string;
}

/** It could not be read: a cursor of the wrong form, an id that is none. */
export class BadRequestError extends DezkyError {}
/** No token, or one that does not prove who is calling. */
export class UnauthenticatedError extends DezkyError {}
/** The caller is known and may not do this. */
export class ForbiddenError extends DezkyError {}
/** It does not exist, or the caller may not see it. */
export class NotFoundError extends DezkyError {}
/** The path exists, the method does not. */
export class MethodNotAllowedError extends DezkyError {}
/** The state of something else is in the way: a taken slug, the last owner. */
export class ConflictError extends DezkyError {}
/** `ifMatch` is not the current version. */
export class PreconditionFailedError extends DezkyError {}
/** The input is larger than 1 MiB. */
export class PayloadTooLargeError extends DezkyError {}
/** The body is not of a media type that is understood. */
export class UnsupportedMediaTypeError extends DezkyError {}
/** One or more fields are wrong; `fields` names each. */
export class InvalidError extends DezkyError {}
/** Too many calls. */
export class RateLimitedError extends DezkyError {}
/** A setting is wrong. */
export class ConfigurationError extends DezkyError {}
/** The store or the identity provider does not answer. */
export class UnavailableError extends DezkyError {}
/** A defect or corrupt data; the log has the details under `requestId`. */
export class InternalError extends DezkyError {}

/** What a webhook is refused with: it is not signed with the secret, not as it was sent, or too old. */
export class WebhookVerificationError extends Error {}

/** How a webhook is verified. */
export interface WebhookOptions {
  /** Seconds by which its time may differ from this machine's. Default: 300. */
  tolerance?: number;
  /** The time. Default: that of this machine. */
  now?: Date;
}

/**
 * Verifies a webhook (Standard Webhooks), and returns its event. Takes the body as it was received, byte for byte, the headers of
 * the request in lower case, and the secret of the endpoint, or several while it is rotated.
 *
 * @throws {WebhookVerificationError} When it is not to be trusted.
 * @throws {TypeError} When a secret is not that of an endpoint.
 */
export function verifyWebhook(
  body: string | Uint8Array,
  headers: Headers | Record<string, string | string[] | undefined>,
  secrets: string | readonly string[],
  options?: WebhookOptions,
): EventMessage;
