// One set of classes for both kinds of modules, so that `instanceof` works across them.
import sdk from "./index.cjs";

export const {
  Dezky,
  entityTag,
  verifyWebhook,
  WebhookVerificationError,
  DezkyError,
  BadRequestError,
  UnauthenticatedError,
  ForbiddenError,
  NotFoundError,
  MethodNotAllowedError,
  ConflictError,
  PreconditionFailedError,
  PayloadTooLargeError,
  UnsupportedMediaTypeError,
  InvalidError,
  RateLimitedError,
  ConfigurationError,
  UnavailableError,
  InternalError,
} = sdk;
