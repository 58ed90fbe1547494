"use strict";
const { Dezky } = require("./lib/dezky.cjs");
const { fromAddon, fromProblem, make, ...errors } = require("./lib/errors.cjs");
const { entityTag } = require("./lib/scope.cjs");
const webhooks = require("./lib/webhooks.cjs");

module.exports = { Dezky, entityTag, ...errors, ...webhooks };
