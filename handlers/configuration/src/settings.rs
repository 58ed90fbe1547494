//! All settings with their names in each source.

/// A setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// Path in `dezky.toml`.
    pub path: &'static str,
    /// Environment variable.
    pub variable: &'static str,
    /// Flag without its dashes; `None` when there is no flag.
    pub flag: Option<&'static str>,
}

macro_rules! settings {
    ($($name:ident = $path:literal, $variable:literal, $flag:expr;)*) => {
        $(pub const $name: Setting = Setting { path: $path, variable: $variable, flag: $flag };)*
        /// All settings with a single value.
        pub const ALL: &[Setting] = &[$($name),*];
    };
}

settings! {
    STORE = "store", "DEZKY_STORE", Some("store");
    LISTEN = "listen", "DEZKY_LISTEN", Some("listen");
    OPERATIONS_LISTEN = "operations.listen", "DEZKY_OPERATIONS_LISTEN", Some("operations-listen");
    PUBLIC_DOMAIN = "public_domain", "DEZKY_PUBLIC_DOMAIN", Some("public-domain");
    PLATFORM_ADMIN_GROUP = "platform_admin_group", "DEZKY_PLATFORM_ADMIN_GROUP", Some("platform-admin-group");
    OIDC_ISSUER = "oidc.issuer", "DEZKY_OIDC_ISSUER", Some("oidc-issuer");
    OIDC_AUDIENCE = "oidc.audience", "DEZKY_OIDC_AUDIENCE", Some("oidc-audience");
    OIDC_PRIVATE_ADDRESSES = "oidc.private_addresses", "DEZKY_OIDC_PRIVATE_ADDRESSES", Some("oidc-private-addresses");
    EXTRA_CA_CERTS = "extra_ca_certs", "DEZKY_EXTRA_CA_CERTS", None;
    SEED_SLUG = "seed.slug", "DEZKY_SEED_SLUG", None;
    SEED_NAME = "seed.name", "DEZKY_SEED_NAME", None;
    SEED_GROUP = "seed.group", "DEZKY_SEED_GROUP", None;
    SEED_PLAN = "seed.plan", "DEZKY_SEED_PLAN", None;
    SEED_DOMAIN = "seed.domain", "DEZKY_SEED_DOMAIN", None;
    CALLER_RATE = "limits.caller_rate", "DEZKY_CALLER_RATE", Some("caller-rate");
    CALLER_BURST = "limits.caller_burst", "DEZKY_CALLER_BURST", Some("caller-burst");
    ADDRESS_RATE = "limits.address_rate", "DEZKY_ADDRESS_RATE", Some("address-rate");
    ADDRESS_BURST = "limits.address_burst", "DEZKY_ADDRESS_BURST", Some("address-burst");
    TRUSTED_PROXIES = "limits.trusted_proxies", "DEZKY_TRUSTED_PROXIES", Some("trusted-proxies");
    FORWARDED_HEADER = "limits.forwarded_header", "DEZKY_FORWARDED_HEADER", Some("forwarded-header");
    REQUESTS_IN_FLIGHT = "limits.requests_in_flight", "DEZKY_REQUESTS_IN_FLIGHT", Some("requests-in-flight");
    ARRIVAL_SECONDS = "limits.arrival_seconds", "DEZKY_ARRIVAL_SECONDS", None;
    KEEP_ALIVE_SECONDS = "limits.keep_alive_seconds", "DEZKY_KEEP_ALIVE_SECONDS", None;
    DRAIN_SECONDS = "drain_seconds", "DEZKY_DRAIN_SECONDS", None;
    COMPONENT = "component.file", "DEZKY_COMPONENT", Some("component");
    ISOLATION = "component.isolation", "DEZKY_ISOLATION", Some("isolation");
    TASKS = "tasks", "DEZKY_TASKS", Some("tasks");
    BASE_PATH = "lambda.base_path", "DEZKY_BASE_PATH", None;
    AUDIT_DETAILS_DAYS = "audit.details_days", "DEZKY_AUDIT_DETAILS_DAYS", None;
    AUDIT_RETENTION = "audit.retention", "DEZKY_AUDIT_RETENTION", None;
    AUDIT_HEADS_FILE = "audit.heads_file", "DEZKY_AUDIT_HEADS_FILE", None;
    AUDIT_HEADS_MINUTES = "audit.heads_minutes", "DEZKY_AUDIT_HEADS_MINUTES", None;
    OTLP_ENDPOINT = "otlp.endpoint", "DEZKY_OTLP_ENDPOINT", None;
    AUTHENTIK_URL = "authentik.url", "DEZKY_AUTHENTIK_URL", None;
    AUTHENTIK_USER = "authentik.user", "DEZKY_AUTHENTIK_USER", None;
    AUTHENTIK_SECRET = "authentik.secret", "DEZKY_AUTHENTIK_SECRET", None;
    AUTHENTIK_SECRET_FILE = "authentik.secret_file", "DEZKY_AUTHENTIK_SECRET_FILE", None;
    STALWART_URL = "stalwart.url", "DEZKY_STALWART_URL", None;
    STALWART_USER = "stalwart.user", "DEZKY_STALWART_USER", None;
    STALWART_SECRET = "stalwart.secret", "DEZKY_STALWART_SECRET", None;
    STALWART_SECRET_FILE = "stalwart.secret_file", "DEZKY_STALWART_SECRET_FILE", None;
    OCIS_URL = "ocis.url", "DEZKY_OCIS_URL", None;
    OCIS_USER = "ocis.user", "DEZKY_OCIS_USER", None;
    OCIS_SECRET = "ocis.secret", "DEZKY_OCIS_SECRET", None;
    OCIS_SECRET_FILE = "ocis.secret_file", "DEZKY_OCIS_SECRET_FILE", None;
    DNS_SERVERS = "dns.servers", "DEZKY_DNS_SERVERS", None;
    DNSSEC = "dns.dnssec", "DEZKY_DNSSEC", None;
    DOMAIN_CLAIM_DAYS = "domains.claim_days", "DEZKY_DOMAIN_CLAIM_DAYS", None;
    DOMAIN_AT_RISK_DAYS = "domains.at_risk_days", "DEZKY_DOMAIN_AT_RISK_DAYS", None;
    MEETINGS_URL = "meetings.url", "DEZKY_MEETINGS_URL", None;
    CHAT_URL = "chat.url", "DEZKY_CHAT_URL", None;
    PLANS = "plans", "DEZKY_PLANS", None;
    PAYMENT_GRACE_DAYS = "billing.payment_grace_days", "DEZKY_PAYMENT_GRACE_DAYS", None;
    SUSPENSION_DAYS = "billing.suspension_days", "DEZKY_SUSPENSION_DAYS", None;
    RETENTION_DAYS = "billing.retention_days", "DEZKY_RETENTION_DAYS", None;
    STRIPE_URL = "stripe.url", "DEZKY_STRIPE_URL", None;
    STRIPE_SECRET = "stripe.secret", "DEZKY_STRIPE_SECRET", None;
    STRIPE_SECRET_FILE = "stripe.secret_file", "DEZKY_STRIPE_SECRET_FILE", None;
    STRIPE_WEBHOOK_SECRETS = "stripe.webhook_secrets", "DEZKY_STRIPE_WEBHOOK_SECRETS", None;
    STRIPE_WEBHOOK_SECRETS_FILE = "stripe.webhook_secrets_file", "DEZKY_STRIPE_WEBHOOK_SECRETS_FILE", None;
    STRIPE_AUTOMATIC_TAX = "stripe.automatic_tax", "DEZKY_STRIPE_AUTOMATIC_TAX", None;
    TRIAL_NOTICE_DAYS = "billing.trial_notice_days", "DEZKY_TRIAL_NOTICE_DAYS", None;
    WORKSPACE_GRACE_DAYS = "workspace.grace_days", "DEZKY_WORKSPACE_GRACE_DAYS", None;
    WORKSPACE_DRIFT = "workspace.drift", "DEZKY_WORKSPACE_DRIFT", None;
    SMTP_URL = "smtp.url", "DEZKY_SMTP_URL", None;
    SMTP_USER = "smtp.user", "DEZKY_SMTP_USER", None;
    SMTP_SECRET = "smtp.secret", "DEZKY_SMTP_SECRET", None;
    SMTP_SECRET_FILE = "smtp.secret_file", "DEZKY_SMTP_SECRET_FILE", None;
    MAIL_FROM = "mail.from", "DEZKY_MAIL_FROM", None;
    MAIL_BOUNCE_DOMAIN = "mail.bounce_domain", "DEZKY_MAIL_BOUNCE_DOMAIN", None;
    PORTAL_URL = "portal.url", "DEZKY_PORTAL_URL", None;
    ENROLMENT_URL = "portal.enrolment_url", "DEZKY_ENROLMENT_URL", None;
    INVITATION_DAYS = "invitations.days", "DEZKY_INVITATION_DAYS", None;
    WEBHOOKS_PRIVATE_ADDRESSES = "webhooks.private_addresses", "DEZKY_WEBHOOKS_PRIVATE_ADDRESSES", None;
    LOG = "log.filter", "DEZKY_LOG", Some("log");
    LOG_FORMAT = "log.format", "DEZKY_LOG_FORMAT", Some("log-format");
}

impl Setting {
    /// Returns whether the file may use a number.
    pub fn is_number(&self) -> bool {
        let rates = [CALLER_RATE, CALLER_BURST, ADDRESS_RATE, ADDRESS_BURST, REQUESTS_IN_FLIGHT];
        rates.contains(self)
            || [PAYMENT_GRACE_DAYS, SUSPENSION_DAYS, RETENTION_DAYS, TRIAL_NOTICE_DAYS].contains(self)
            || [
                ARRIVAL_SECONDS,
                KEEP_ALIVE_SECONDS,
                DRAIN_SECONDS,
                AUDIT_DETAILS_DAYS,
                AUDIT_HEADS_MINUTES,
                WORKSPACE_GRACE_DAYS,
                INVITATION_DAYS,
            ]
            .contains(self)
            || [DOMAIN_CLAIM_DAYS, DOMAIN_AT_RISK_DAYS].contains(self)
    }

    /// Returns whether the file may use `true` or `false`.
    pub fn is_switch(&self) -> bool {
        [OIDC_PRIVATE_ADDRESSES, DNSSEC, WEBHOOKS_PRIVATE_ADDRESSES].contains(self)
    }

    /// Returns whether the file may use a list. Variables and flags separate items by commas.
    pub fn is_list(&self) -> bool {
        [OIDC_AUDIENCE, TRUSTED_PROXIES, TASKS, AUDIT_RETENTION].contains(self)
    }
}

/// Variable that names the configuration file. It has no key in that file.
pub const CONFIG_VARIABLE: &str = "DEZKY_CONFIG";

/// Database variable of the NestJS service.
pub const MONGODB_URI: &str = "MONGODB_URI";

/// Variable of Node for added CA certificates.
pub const NODE_EXTRA_CA_CERTS: &str = "NODE_EXTRA_CA_CERTS";

/// Key of the array of issuers in the file.
pub const ISSUERS: &str = "issuers";

/// Returns the known name nearest to an unknown one, if any is near.
pub fn nearest<'known>(given: &str, known: impl Iterator<Item = &'known str>) -> Option<&'known str> {
    known
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= given.len().div_ceil(2))
        .map(|(_, name)| name)
}
