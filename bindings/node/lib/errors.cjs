"use strict";

/** What every failed call is rejected with, abortion aside. See index.d.ts. */
class DezkyError extends Error {
  constructor(said) {
    super(said.message);
    this.kind = said.kind;
    this.code = said.code;
    this.status = said.status;
    // Over HTTP the kind alone says so.
    this.retryable = said.retryable ?? (said.kind === "rate_limited" || said.kind === "unavailable");
    this.fields = Object.freeze(said.fields ?? []);
    if (said.retryAfter !== undefined) this.retryAfter = said.retryAfter;
    if (said.requestId) this.requestId = said.requestId;
  }

  get name() {
    return this.constructor.name;
  }
}

class BadRequestError extends DezkyError {}
class UnauthenticatedError extends DezkyError {}
class ForbiddenError extends DezkyError {}
class NotFoundError extends DezkyError {}
class MethodNotAllowedError extends DezkyError {}
class ConflictError extends DezkyError {}
class PreconditionFailedError extends DezkyError {}
class PayloadTooLargeError extends DezkyError {}
class UnsupportedMediaTypeError extends DezkyError {}
class InvalidError extends DezkyError {}
class RateLimitedError extends DezkyError {}
class ConfigurationError extends DezkyError {}
class UnavailableError extends DezkyError {}
class InternalError extends DezkyError {}

/** Kinds by class, and the one kind that each HTTP status of the API stands for. */
const KINDS = {
  bad_request: [BadRequestError, 400],
  unauthenticated: [UnauthenticatedError, 401],
  forbidden: [ForbiddenError, 403],
  not_found: [NotFoundError, 404],
  method_not_allowed: [MethodNotAllowedError, 405],
  conflict: [ConflictError, 409],
  precondition_failed: [PreconditionFailedError, 412],
  payload_too_large: [PayloadTooLargeError, 413],
  unsupported_media_type: [UnsupportedMediaTypeError, 415],
  invalid: [InvalidError, 422],
  rate_limited: [RateLimitedError, 429],
  unavailable: [UnavailableError, 503],
  internal: [InternalError, 500],
  configuration: [ConfigurationError, 500],
};

function make(said) {
  const [Kind] = KINDS[said.kind] ?? [InternalError];
  return new Kind(said);
}

/** The error that a problem document stands for. */
function fromProblem(problem, retryAfter) {
  const [kind] = Object.entries(KINDS).find(([, [, status]]) => status === problem.status) ?? ["internal"];
  const { code, status, detail, requestId, errors } = problem;
  const seconds = Number(retryAfter);
  return make({ kind, code, status, message: detail, requestId, fields: errors, retryAfter: retryAfter ? seconds : undefined });
}

/** The error that the addon threw as JSON; any other is passed on as it is. */
function fromAddon(error) {
  const text = error instanceof Error ? error.message : String(error);
  let said;
  try {
    said = JSON.parse(text);
  } catch {
    return error;
  }
  return make(said);
}

module.exports = {
  DezkyError,
  ...Object.fromEntries(Object.values(KINDS).map(([Kind]) => [Kind.name, Kind])),
  fromAddon,
  fromProblem,
  make,
};
