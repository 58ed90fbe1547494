//! The one table of codes: each with its kind, what happened, and what to do about it. `docs/errors.md` is printed from it.

use super::{
    ErrorKind,
    code::{Code, FieldCode, codes},
};

codes! {
    // Requests that cannot be read.
    BODY_INCOMPLETE "body_incomplete" as BadRequest:
        "The body ended before it was complete.", "Send the request again, with the whole body.";
    BODY_MISSING "body_missing" as BadRequest:
        "The operation needs a body, and the request has none.", "Send a JSON object.";
    BODY_UNEXPECTED "body_unexpected" as BadRequest:
        "The operation takes no body, and the request has one.", "Leave the body out.";
    INVALID_JSON "invalid_json" as BadRequest:
        "The body is not JSON.", "Correct it where the message says.";
    INVALID_CURSOR "invalid_cursor" as BadRequest:
        "The cursor was not issued for this list, these filters and this caller.",
        "Pass `nextCursor` on as it came, with the same filters; begin without a cursor if they change.";
    INVALID_EVALUATION "invalid_evaluation" as BadRequest:
        "A request of the AuthZEN Authorization API has no subject, action or resource, or one of the wrong form.",
        "Send what the message names.";
    INVALID_HOST "invalid_host" as BadRequest:
        "The request names no host, an invalid one, or more than one.", "Send one `Host`, the same everywhere in the request.";
    INVALID_ID "invalid_id" as BadRequest in field:
        "An id does not have 24 hexadecimal characters.", "Use ids as the API gives them.";
    INVALID_IDEMPOTENCY_KEY "invalid_idempotency_key" as BadRequest:
        "`Idempotency-Key` is empty, too long, or has characters that it may not have.",
        "Make a key of plain characters, such as a UUID.";
    INVALID_IF_MATCH "invalid_if_match" as BadRequest:
        "`If-Match` is not plain text.", "Send the `ETag` that the document came with.";
    INVALID_PATH "invalid_path" as BadRequest:
        "The path has an escape that is not UTF-8.", "Encode the path as UTF-8 before escaping it.";
    INVALID_REQUEST "invalid_request" as BadRequest:
        "A program that embeds the API passed on something that is not an HTTP request.", "Correct the part that the message names.";
    PARAMETER_REPEATED "parameter_repeated" as BadRequest:
        "A parameter of a form is given twice.", "Give it once.";
    REQUEST_TIMEOUT "request_timeout" as BadRequest:
        "The client did not send the whole request in time.", "Send it again, over a connection that is fast enough.";
    SCIM_INVALID_FILTER "scim_invalid_filter" as BadRequest:
        "A filter of SCIM does not fit the grammar of RFC 7644 §3.4.2.2, or the attributes of the schema.",
        "Correct what the message names.";
    SCIM_INVALID_PATH "scim_invalid_path" as BadRequest:
        "The path of a patch names no attribute of the schema.", "Use the attributes that `/Schemas` names.";
    SCIM_INVALID_SYNTAX "scim_invalid_syntax" as BadRequest:
        "The body is no resource or patch of SCIM.", "Correct what the message names.";
    SCIM_INVALID_VALUE "scim_invalid_value" as BadRequest:
        "A required attribute is missing, or a value does not fit its attribute.", "Correct the attribute that the message names.";
    SCIM_MUTABILITY "scim_mutability" as BadRequest:
        "An attribute of SCIM is to be changed that does not change, such as the id by which a person signs in.",
        "Leave it as it is. A person who is somebody else now is deleted and created.";
    SCIM_NO_TARGET "scim_no_target" as BadRequest:
        "A patch replaces a value that is not there, or removes nothing in particular.", "Add it, or name what is there.";
    SCIM_TOO_MANY "scim_too_many" as BadRequest:
        "A filter of SCIM would have to look at too many resources, or the answer would have too many members.",
        "Ask for `userName`, `externalId` or `displayName` with `eq`, or leave `members` out.";
    UNKNOWN_OPERATION "unknown_operation" as BadRequest:
        "The input of an operation with this name cannot be checked.", "Use the name of an operation that creates something.";
    WEBHOOK_SIGNATURE_MISSING "webhook_signature_missing" as BadRequest:
        "The webhook of the payment provider has no signature.", "Let only the provider call it, and pass on `Stripe-Signature`.";
    WEBHOOK_SIGNATURE_REFUSED "webhook_signature_refused" as BadRequest:
        "The signature of the webhook fits none of the secrets, or the body was changed on the way.",
        "Set the endpoint's signing secret in `DEZKY_STRIPE_WEBHOOK_SECRETS`, and pass the body on byte for byte.";
    WEBHOOK_STALE "webhook_stale" as BadRequest:
        "The webhook was signed more than five minutes ago, or ahead of time.", "Set the clock of this machine right.";
    WEBHOOK_UNREADABLE "webhook_unreadable" as BadRequest:
        "The signed body of the webhook is not an event of the payment provider.", "Send snapshot events, not thin ones, to this endpoint.";
    LOGOUT_TOKEN_MISSING "logout_token_missing" as BadRequest:
        "The form has no `logout_token`.", "Send it as OpenID Connect Back-Channel Logout 1.0 says, in a form-encoded body.";
    LOGOUT_TOKEN_REFUSED "logout_token_refused" as BadRequest:
        "The logout token is not valid; `errors` names the reason with the code of a refused token.",
        "Do what that code says, at the identity provider.";
    LOGOUT_TOKEN_REPLAYED "logout_token_replayed" as BadRequest:
        "A logout token with this `jti` was received before.", "Nothing, if it was sent again; otherwise give each token its own `jti`.";

    // Tokens.
    TOKEN_MISSING "token_missing" as Unauthenticated:
        "The request has no bearer token.", "Send an access token as `Authorization: Bearer TOKEN`.";
    TOKEN_MALFORMED "token_malformed" as Unauthenticated:
        "The token does not have three segments, or the header is not a single bearer token.", "Send the token as the provider issued it.";
    TOKEN_ENCODING "token_encoding" as Unauthenticated:
        "A segment is not unpadded canonical base64url (RFC 7515 §2, RFC 4648 §3.5).", "Send the token as the provider issued it.";
    TOKEN_JSON "token_json" as Unauthenticated:
        "Header or claims are not a JSON object: syntax, encoding, lone surrogates, numbers out of range (RFC 8259).",
        "Correct the claims that the identity provider adds.";
    TOKEN_DUPLICATE_MEMBER "token_duplicate_member" as Unauthenticated:
        "Header or claims have a member twice, at any depth (RFC 7515 §4, RFC 7519 §4).",
        "Have the identity provider issue each claim once.";
    TOKEN_DEPTH "token_depth" as Unauthenticated:
        "Objects and arrays are nested more than 16 deep.", "Leave the nested claims out at the identity provider.";
    TOKEN_TOO_LARGE "token_too_large" as Unauthenticated:
        "The token has more than 16 KiB and was not parsed.", "Leave claims out at the identity provider.";
    TOKEN_ENCRYPTED "token_encrypted" as Unauthenticated:
        "The token is encrypted: five segments, a JWE.", "Switch the encryption of access tokens off at the identity provider.";
    TOKEN_ALGORITHM "token_algorithm" as Unauthenticated:
        "`alg` is missing, `none`, symmetric or not supported.",
        "Sign with RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA or Ed25519.";
    TOKEN_HEADER "token_header" as Unauthenticated:
        "A parameter of the header has the wrong type.", "Correct the header at the identity provider.";
    TOKEN_HEADER_CRITICAL "token_header_critical" as Unauthenticated:
        "The header has `crit`, or an unencoded payload (`b64`); no extension is supported (RFC 7515 §4.1.11, RFC 7797).",
        "Issue tokens without extensions.";
    TOKEN_HEADER_KEY "token_header_key" as Unauthenticated:
        "The header has a key or its address: `jwk`, `jku`, `x5c`, `x5u` (RFC 8725 §3.10).",
        "Issue tokens without keys; publish the keys in the issuer's key set.";
    TOKEN_TYPE "token_type" as Unauthenticated:
        "`typ` names another kind of token, or lacks what the issuer's profile requires.",
        "Send the access token, or correct the issuer's `profile`.";
    TOKEN_ISSUER "token_issuer" as Unauthenticated:
        "`iss` is not a configured issuer.", "Configure the issuer's URL exactly as the token has it, trailing slash included.";
    TOKEN_KEY_UNKNOWN "token_key_unknown" as Unauthenticated:
        "The issuer publishes no key with the token's `kid`.",
        "Wait as long as `Retry-After` says, if it is there: the keys are fetched again then. Otherwise sign in again.";
    TOKEN_KEY_UNFIT "token_key_unfit" as Unauthenticated:
        "The issuer's key does not match the algorithm, or is not usable at all.", "Correct the key at the identity provider.";
    TOKEN_KEY_PURPOSE "token_key_purpose" as Unauthenticated:
        "The issuer publishes the key for another purpose: `use`, `key_ops` (RFC 7517 §4.2, §4.3).",
        "Publish it for signatures at the identity provider.";
    TOKEN_KEY_SIZE "token_key_size" as Unauthenticated:
        "The issuer's RSA key has less than 2048 or more than 8192 bits (RFC 7518 §3.3).", "Replace it at the identity provider.";
    TOKEN_KEY_WEAK "token_key_weak" as Unauthenticated:
        "The issuer's RSA key can be factored (ROCA, CVE-2017-15361).", "Replace it at the identity provider.";
    TOKEN_KEY_AMBIGUOUS "token_key_ambiguous" as Unauthenticated:
        "More keys of the issuer match than are tried.", "Give each key its own `kid`, and name it in the header.";
    TOKEN_SIGNATURE "token_signature" as Unauthenticated:
        "The signature is not that of the issuer's key.", "Send the token as the provider issued it.";
    TOKEN_IS_ID_TOKEN "token_is_id_token" as Unauthenticated:
        "This is an ID token: it has `at_hash` or `c_hash`, lacks Authentik's `uid` or `azp`, or says so itself.",
        "Send the access token.";
    TOKEN_IS_LOGOUT_TOKEN "token_is_logout_token" as Unauthenticated:
        "This is a logout token (`events`, `typ: logout+jwt`).", "Send the access token.";
    TOKEN_IS_NOT_LOGOUT_TOKEN "token_is_not_logout_token" as Unauthenticated:
        "A logout token is expected, but `events` is missing or `nonce` is present.", "Send a logout token.";
    TOKEN_CLAIM_MISSING "token_claim_missing" as Unauthenticated:
        "A required claim is missing.", "Have the identity provider issue the claim that the message names.";
    TOKEN_CLAIM_INVALID "token_claim_invalid" as Unauthenticated:
        "A claim has the wrong type or form.", "Correct the claim that the message names at the identity provider.";
    TOKEN_AUDIENCE "token_audience" as Unauthenticated:
        "`aud` has none of the issuer's audiences.", "Request the token for the audience that is configured here.";
    TOKEN_EXPIRED "token_expired" as Unauthenticated:
        "`exp` has passed.", "Refresh the token, or sign in again.";
    TOKEN_NOT_YET_VALID "token_not_yet_valid" as Unauthenticated:
        "`nbf` is in the future.", "Compare the clocks of this server and the identity provider.";
    TOKEN_ISSUED_IN_FUTURE "token_issued_in_future" as Unauthenticated:
        "`iat` is in the future.", "Compare the clocks of this server and the identity provider.";
    TOKEN_LIFETIME "token_lifetime" as Unauthenticated:
        "The token lives longer than the issuer's `max_token_life` (24 hours by default), or ends before it begins.",
        "Shorten it at the identity provider, or set `max_token_life`, 7 days at most.";
    SESSION_ENDED "session_ended" as Unauthenticated:
        "The session of the token was ended by a logout.", "Sign in again.";
    TOKEN_REVOKED "token_revoked" as Unauthenticated:
        "The token, or the sign-in that it comes from, was revoked.", "Sign in again, at the identity provider too.";
    API_KEY_MALFORMED "api_key_malformed" as Unauthenticated:
        "The credential begins like an API key, and is none: a part of it is missing.", "Send the whole key, as it was shown.";
    API_KEY_UNKNOWN "api_key_unknown" as Unauthenticated:
        "No API key is in force with this secret: it was revoked or rotated.", "Use the latest secret, or have a new key created.";
    API_KEY_EXPIRED "api_key_expired" as Unauthenticated:
        "The API key has expired.", "Have its expiry changed, or a new key created.";
    API_KEY_ADDRESS_REFUSED "api_key_address_refused" as Unauthenticated:
        "The API key is accepted from some networks only, and the request does not come from one of them.",
        "Call from there, or have the key's `networks` changed; behind a proxy, name it in `DEZKY_TRUSTED_PROXIES`.";

    // Rights.
    FIELD_FORBIDDEN "field_forbidden" as Forbidden in field:
        "The caller may not set the fields that `errors` names.", "Leave these fields out.";
    GRANTED_ADMIN_REQUIRED "granted_admin_required" as Forbidden:
        "Only administrators by grant, and operators, may change administrators by grant.",
        "Ask an administrator by grant, or an operator.";
    HOLDER_REQUIRED "holder_required" as Forbidden:
        "Only the member whose mailbox it is may create its app passwords: whoever creates one can read the mail.",
        "Ask the member to create it; administrators list and revoke app passwords.";
    OWNER_REQUIRED "owner_required" as Forbidden:
        "Only owners of the tenant may manage its owners.", "Ask an owner.";
    PERSON_REQUIRED "person_required" as Forbidden:
        "The operation is about the caller's own person, and a system actor is not a person.", "Call it with the token of a person.";
    PLATFORM_ADMIN_REQUIRED "platform_admin_required" as Forbidden:
        "Only administrators of the platform may do this.", "Ask an administrator of the platform.";
    ROLE_INSUFFICIENT "role_insufficient" as Forbidden:
        "The caller's role in the tenant does not allow this.", "Ask an owner or an admin of the tenant.";
    SCOPE_MISSING "scope_missing" as Forbidden:
        "The action is not among the scopes of the API key.", "Have it added to the key's scopes, if keys may perform it.";
    SYSTEM_ACTOR_REQUIRED "system_actor_required" as Forbidden:
        "Only system actors may ask what others may do.", "Ask as a named system actor.";
    TENANT_ISSUER_REQUIRED "tenant_issuer_required" as Forbidden:
        "The tenant has an identity provider of its own, and the caller comes from another one.",
        "Sign in at the tenant's identity provider.";
    TENANT_SUSPENDED "tenant_suspended" as Forbidden:
        "The tenant is suspended, and read-only to its own people.", "Have the platform restore the tenant.";
    USER_DELETED "user_deleted" as Forbidden:
        "The caller's user was deleted.", "Have the operator of the platform admit them again.";
    USER_DISABLED "user_disabled" as Forbidden:
        "The caller's user is disabled.", "Ask the operator of the platform.";
    USER_UNKNOWN "user_unknown" as Forbidden:
        "The caller has a valid token, and has never signed in here.", "Call `GET /users/me` first.";

    // What is not there.
    INVITATION_NOT_FOUND "invitation_not_found" as NotFound:
        "No invitation has this secret: it was revoked or sent again, or the link is incomplete.",
        "Use the link of the latest mail, completely, or ask the person who invited you.";
    NOT_FOUND "not_found" as NotFound:
        "The resource does not exist, or the caller may not see it.", "Check the id, and with whose token it is read.";
    ROUTE_NOT_FOUND "route_not_found" as NotFound:
        "No operation has this path.", "See `/openapi.json`.";
    METHOD_NOT_ALLOWED "method_not_allowed" as MethodNotAllowed:
        "The path exists, but not with this method.", "Use a method that `Allow` names.";

    // State that is in the way.
    ADDRESS_TAKEN "address_taken" as Conflict in field:
        "A mailbox has this address, or has it as an alias.", "Choose another address.";
    ALREADY_DELETED "already_deleted" as Conflict:
        "The person was deleted before.", "Nothing: a deleted person cannot be changed.";
    ALREADY_EXISTS "already_exists" as Conflict:
        "Something with this unique value exists already.", "Choose another value.";
    ALREADY_INVITED "already_invited" as Conflict:
        "The address has an open invitation to the tenant.", "Resend or revoke that one.";
    ALREADY_MEMBER "already_member" as Conflict:
        "The person is a member of the tenant.", "Update the membership instead.";
    AMBIGUOUS_USER "ambiguous_user" as Conflict:
        "More than one person has this e-mail address.", "Name the person by id.";
    APP_PASSWORD_LIMIT_REACHED "app_password_limit_reached" as Conflict:
        "The mailbox has the maximum number of app passwords.", "Revoke one that is not used any more.";
    AUTHENTIK_GROUP_TAKEN "authentik_group_taken" as Conflict in field:
        "Another tenant has this group.", "Choose another group.";
    CONFLICT "conflict" as Conflict:
        "Other requests changed the same documents during each attempt.", "Read it again and retry.";
    COPY_DIFFERS "copy_differs" as Conflict:
        "The copy of a store differs from its source.", "Stop what writes to the source, empty the target, and copy again.";
    COPY_OF_ANOTHER_SOURCE "copy_of_another_source" as Conflict:
        "The target has an unfinished copy of another source.", "Finish that copy, or use an empty target.";
    ALREADY_BILLED "already_billed" as Conflict:
        "The payment provider has the subscription already.", "Change it in the provider's customer portal, to which `POST /tenants/{id}/billing/portal` leads.";
    BILLING_NOT_CONFIGURED "billing_not_configured" as Conflict:
        "The process that answers reaches no payment provider.",
        "Set `DEZKY_STRIPE_SECRET` there, or send the request to a process that has it.";
    BILLING_REFUSED "billing_refused" as Conflict:
        "The payment provider refuses what is asked of it, as the message says.", "Do what the message says.";
    SUBSCRIPTION_BILLED "subscription_billed" as Conflict:
        "The payment provider bills the subscription.", "Cancel it first, here or there.";
    NOT_BILLED "not_billed" as Conflict:
        "The payment provider does not know the tenant.", "Begin a checkout first.";
    PLAN_WITHOUT_PRICE "plan_without_price" as Conflict:
        "The plan has no price at the payment provider.", "Choose another plan, or ask the operator to give it one.";
    DNS_NOT_CONFIGURED "dns_not_configured" as Conflict:
        "The process that answers asks no DNS servers.",
        "Name servers in `DEZKY_DNS_SERVERS`, or send the request to a process that asks some, such as `dezky serve`.";
    DOMAIN_EXISTS "domain_exists" as Conflict in field:
        "The tenant has this domain already.", "Check it, or remove it first.";
    DOMAIN_IN_USE "domain_in_use" as Conflict:
        "The domain has mailboxes.", "Remove its mailboxes first.";
    DOMAIN_LIMIT_REACHED "domain_limit_reached" as Conflict:
        "The tenant has the maximum number of domains.", "Remove one that is not used any more.";
    DOMAIN_TAKEN "domain_taken" as Conflict in field:
        "Another tenant has verified a domain, which the message names.",
        "Remove the domain, or have that tenant give it up.";
    FOREIGN_INDEX "foreign_index" as Conflict:
        "A unique index that this software did not make refuses the change.",
        "Drop the index that the message names (docs/migration.md).";
    HOST_TAKEN "host_taken" as Conflict in field:
        "Another tenant has this host name.", "Choose another host name.";
    IN_PROGRESS "in_progress" as Conflict:
        "A request with this `Idempotency-Key` is under way.", "Wait for its answer, or send it again a second later.";
    INVITATION_CLOSED "invitation_closed" as Conflict:
        "The invitation was accepted or revoked, or has expired.", "Create another one, if it is still wanted.";
    INVITATION_EXPIRED "invitation_expired" as Conflict:
        "The invitation was not accepted in time.", "Ask the person who invited you to send it again.";
    INVITATION_LIMIT_REACHED "invitation_limit_reached" as Conflict:
        "The address was sent as many invitations to the tenant as it may get in a day.", "Try again tomorrow.";
    INVITATION_USED "invitation_used" as Conflict:
        "Somebody has accepted the invitation.", "Ask the person who invited you for another one.";
    LAST_OWNER "last_owner" as Conflict:
        "A tenant keeps its last owner.", "Make somebody else an owner first.";
    MAILBOX_LIMIT_REACHED "mailbox_limit_reached" as Conflict:
        "The member has the maximum number of mailboxes.", "Add an alias to one of them, or remove one.";
    MAILBOX_NOT_READY "mailbox_not_ready" as Conflict:
        "The mail system does not have the mailbox yet.", "Try again once the tenant's workspace says that it is ready.";
    MAILBOX_REMOVING "mailbox_removing" as Conflict:
        "The mailbox is being removed.", "Create another one once its addresses are free.";
    MAILBOX_SUSPENDED "mailbox_suspended" as Conflict:
        "The mailbox is suspended, so that nobody signs in to it.", "Make its owner a member of the tenant again first.";
    MAIL_NOT_CONFIGURED "mail_not_configured" as Conflict:
        "The process that answers reaches no mail system.",
        "Set `DEZKY_STALWART_URL` with its credential there, or send the request to a process that has it.";
    MAIL_REFUSED "mail_refused" as Conflict:
        "The mail system refuses what is asked of it, as the message says.", "Do what the message says.";
    EVENT_ENDPOINT_LIMIT_REACHED "event_endpoint_limit_reached" as Conflict:
        "The tenant, or the platform, has the maximum number of event endpoints.", "Remove one that is not used any more.";
    NESTED_CALL "nested_call" as Conflict:
        "A call waits within another one on the same thread.", "Make it on another thread, or afterwards.";
    SECRET_SHOWN_ONCE "secret_shown_once" as Conflict:
        "The request was carried out before, and its answer had a secret, which is shown once and not stored.",
        "Use the secret of the first answer; if it was lost, revoke what was created, and create another with a new key.";
    API_KEY_LIMIT_REACHED "api_key_limit_reached" as Conflict:
        "The tenant, or the platform, has the maximum number of API keys.", "Revoke one that is not used.";
    SEATS_EXHAUSTED "seats_exhausted" as Conflict:
        "All seats of the subscription are taken.", "Revoke a membership or an invitation, or add seats.";
    SLUG_TAKEN "slug_taken" as Conflict in field:
        "The slug is or was in use.", "Choose another: a slug is never used again.";
    STRIPE_SUBSCRIPTION_TAKEN "stripe_subscription_taken" as Conflict in field:
        "Another subscription has this Stripe id.", "Correct the id.";
    SUBSCRIPTION_INACTIVE "subscription_inactive" as Conflict:
        "The subscription is not in force, and gives no seats.", "Have it paid or restored first.";
    SUBSCRIPTION_CANCELLED "subscription_cancelled" as Conflict:
        "A cancelled subscription stays cancelled.", "Create another subscription.";
    SUBSCRIPTION_EXISTS "subscription_exists" as Conflict in field:
        "The tenant has a subscription that is not cancelled.", "Change or cancel that one.";
    TARGET_NOT_EMPTY "target_not_empty" as Conflict:
        "The target of a copy has documents.", "Use an empty store.";
    TENANT_DELETED "tenant_deleted" as Conflict:
        "The tenant is deleted.", "Undo the deletion first, within the grace period: a deleted tenant cannot be changed.";
    TENANT_PENDING "tenant_pending" as Conflict:
        "The tenant is being set up, and so not suspended.", "Nothing: there is nothing to restore.";
    TENANT_REMOVED "tenant_removed" as Conflict:
        "The grace period after the deletion of the tenant is over, and its data is removed.", "Create another tenant, with another slug.";
    SCIM_NOT_UNIQUE "scim_not_unique" as Conflict:
        "The directory has a person or group with this name or external id.", "Change that one, or choose another name.";
    USER_EXISTS "user_exists" as Conflict in field:
        "There is a user of this issuer and subject.", "Find and update that user.";
    VERSION_CHANGED "version_changed" as PreconditionFailed:
        "`If-Match` does not name the current version.", "Read it again, decide anew, and send the new `ETag`.";

    // Inputs.
    BODY_TOO_LARGE "body_too_large" as PayloadTooLarge:
        "The body has more than 1 MiB.", "Send less at once.";
    UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" as UnsupportedMediaType:
        "The body has a media type or an encoding that the operation does not read.",
        "Send `application/json` in UTF-8, or a form where the operation takes one.";
    IDEMPOTENCY_KEY_REUSED "idempotency_key_reused" as Invalid:
        "The `Idempotency-Key` came with another body before.", "Use a new key for a new request.";
    INVALID_FIELDS "invalid_fields" as Invalid:
        "Fields or parameters are not acceptable; `errors` names each with a code of its own.", "Correct each of them.";
    DUPLICATE_FIELD "duplicate_field" in field:
        "The member or parameter is given twice.", "Give it once.";
    EMPTY "empty" in field:
        "The text is empty.", "Give at least one character, or leave the field out.";
    FIXED "fixed" in field:
        "The value cannot be changed any more.", "Leave the field out.";
    INVALID_CHARACTERS "invalid_characters" in field:
        "The text has control characters, or others that cannot be shown.", "Remove them.";
    INVALID_CHOICE "invalid_choice" in field:
        "The value is not one that the field can have.", "Choose one that the message names.";
    INVALID_COLOUR "invalid_colour" in field:
        "The value is not a colour.", "Write it as `#1a2b3c`.";
    INVALID_DOMAIN "invalid_domain" in field:
        "The value is not a domain name.", "Write it as `example.eu`, without scheme, path or port.";
    INVALID_EMAIL "invalid_email" in field:
        "The value is not an e-mail address.", "Write it as `anna@example.eu`.";
    INVALID_EVENT_TYPE "invalid_event_type" in field:
        "The value is not a type of events.", "Write it as `tenant.update`, or `tenant.*` for all of a kind.";
    INVALID_FORMAT "invalid_format" in field:
        "The name of a system actor has characters that it may not have, or too many.",
        "Use 1 to 64 letters, digits, `-`, `_`, `.`, `@` or `:`.";
    INVALID_IDENTIFIER "invalid_identifier" in field:
        "The value is not an identifier.", "Use 1 to 64 letters, digits, `-`, `_` or `.`.";
    INVALID_SLUG "invalid_slug" in field:
        "The value is not a slug.", "Use 2 to 63 of the letters a to z, digits and `-`, with no `-` at either end.";
    INVALID_TIME "invalid_time" in field:
        "The value is not a time.", "Write it as RFC 3339 says: `2026-01-31T09:30:00.000Z`.";
    INVALID_URL "invalid_url" in field:
        "The value is not a URL that can be linked to.", "Give an absolute URL that begins with `https://`.";
    INVALID_VAT_ID "invalid_vat_id" in field:
        "The value is not a VAT number of its country.", "Give it with the letters of the country, as in `DE123456789`.";
    OUT_OF_RANGE "out_of_range" in field:
        "The number is too small, too large, or not a whole number.", "Keep to the range that the message names.";
    REPEATED "repeated" in field:
        "The entry stands in the list already.", "Remove one of the two.";
    REQUIRED "required" in field:
        "The field is missing, or was to be removed.", "Give it a value.";
    RESERVED "reserved" in field:
        "The name belongs to the platform.", "Choose another.";
    TOO_LONG "too_long" in field:
        "The text or list is longer than it may be.", "Shorten it to what the message says.";
    UNKNOWN_DOMAIN "unknown_domain" in field:
        "The verified domain is not among the tenant's `domains`.", "Add it to `domains` too.";
    UNKNOWN_FIELD "unknown_field" in field:
        "There is no such field or parameter here.", "Remove it, or correct its name.";
    UNKNOWN_ISSUER "unknown_issuer" in field:
        "No configured issuer has this id.", "Use the id of a configured issuer.";
    UNREACHABLE_STATUS "unreachable_status" in field:
        "What has the present status does not get this one.", "Choose a status that follows it, or create another.";
    UNKNOWN_PLAN "unknown_plan" in field:
        "The catalogue has no plan of this name.", "Use one of the plans that the message names.";
    UNKNOWN_PRICE "unknown_price" in field:
        "The plan has several prices, or not this one.", "Use one of the prices that the message names.";
    UNKNOWN_USER "unknown_user" in field:
        "No user that the caller may see has this id.", "Check the id.";
    WRONG_TYPE "wrong_type" in field:
        "The value has another type than the field.", "Give the type that the message names.";

    // Limits, and systems behind the service.
    CHECKED_JUST_NOW "checked_just_now" as RateLimited:
        "The domain was checked a moment ago.", "Wait as long as `Retry-After` says.";
    RATE_LIMITED "rate_limited" as RateLimited:
        "The caller or their address sends more requests than they may.", "Wait as long as `Retry-After` says.";
    TOO_MANY_CONNECTIONS "too_many_connections" as RateLimited:
        "An address has more connections than it may. The connection was closed, so only the log has this code.",
        "Use fewer connections, or raise the limit.";
    CLOSED "closed" as Unavailable(never):
        "The platform was closed.", "Open it again.";
    ENDED "ended" as Unavailable:
        "The call was ended before its time; of what it was to do, all has happened or nothing.", "Call again, if it is still wanted.";
    FORKED "forked" as Unavailable(never):
        "The platform was opened before this process was forked.", "Open it in each process.";
    ISSUER_UNAVAILABLE "issuer_unavailable" as Unavailable:
        "No key of the issuer is known, and the issuer does not answer.", "Try again; if it lasts, check the identity provider.";
    MIGRATION_INCOMPLETE "migration_incomplete" as Unavailable:
        "The database of the former service is not migrated completely.",
        "Have the operator finish the migration (docs/migration.md).";
    OVERLOADED "overloaded" as Unavailable:
        "The server is at its limit and did not begin to process the request.", "Try again after `Retry-After`.";
    SERVER_TIMEOUT "server_timeout" as Unavailable:
        "The server took longer for the request than it may.", "Try again; send a new `Idempotency-Key` only if it is a new request.";
    STORE_TIMEOUT "store_timeout" as Unavailable:
        "The store did not answer in time.", "Try again; if it lasts, check the store.";
    STORE_UNAVAILABLE "store_unavailable" as Unavailable:
        "The store does not answer, or takes no changes now.", "Try again; if it lasts, check the store.";
    TIMEOUT "timeout" as Unavailable:
        "The call did not end within the `timeout` that the program gave it; of what it was to do, all has happened or nothing.",
        "Give it more time.";
    UPSTREAM_UNAVAILABLE "upstream_unavailable" as Unavailable:
        "A system behind this service does not answer as it should.", "Try again; if it lasts, check that system.";

    // Settings and defects.
    INVALID_COMPONENT "invalid_component" as Configuration:
        "The component cannot be run.", "Build it from this release, and name its file.";
    INVALID_SETTING "invalid_setting" as Configuration:
        "A setting or a file that it names is not acceptable.", "Correct the setting that the message names.";
    KEY_SET_UNUSABLE "key_set_unusable" as Configuration:
        "A key set has no key that can be used.", "Publish a key that fits (see the codes that begin with `token_key`).";
    SEED_CONFIGURATION "seed_configuration" as Configuration:
        "The first tenant cannot be made as it is configured.", "Correct its slug or name.";
    STORE_CONFIGURATION "store_configuration" as Configuration:
        "The store's settings are wrong, or its schema is that of a newer release.", "Do what the message says.";
    UNTRUSTED_COMPONENT "untrusted_component" as Configuration:
        "Users other than root and that of the server can write the component's file.",
        "Correct owner and permissions as the message says.";
    INTERNAL "internal" as Internal:
        "A defect, or corrupt data. The log has the details under the request id.", "Tell the operator the request id.";
    PERFORMED "performed" as Internal:
        "A request was carried out elsewhere, and its answer was not passed on. Never seen by a caller.",
        "Report it as a defect.";
}
