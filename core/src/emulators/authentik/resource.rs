//! Kinds of objects: their paths, fields, rights and filters, each declared once.

/// Kinds of objects in Authentik.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Group.
    Group,
    /// User.
    Person,
    /// Application, by its slug.
    Application,
    /// OAuth2 provider.
    Provider,
    /// Policy binding.
    Binding,
    /// Brand.
    Brand,
    /// Secret, from 2026.11.
    Secret,
    /// Flow, by its slug.
    Flow,
    /// Certificate and its private key.
    KeyPair,
    /// Scope mapping.
    ScopeMapping,
}

/// Form of the id in paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Id {
    Uuid,
    Number,
    /// A field, whose value names the object.
    Field(&'static str),
}

/// Type of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Type {
    /// Text of one character or more.
    Text,
    /// Text that may be empty.
    Blank,
    Slug,
    Boolean,
    Integer,
    Object,
    Choice(&'static [&'static str]),
    Choices(&'static [&'static str]),
    /// Object of this kind, or null.
    OneOrNone(Kind),
    /// Object of this kind.
    One(Kind),
    Many(Kind),
    RedirectUris,
}

/// A field that requests may set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) of: Type,
    pub(super) required: bool,
    /// Label in the text about a value that exists already.
    pub(super) unique: Option<&'static str>,
    /// Value in JSON when it is not given.
    pub(super) default: &'static str,
    /// First release that has the field.
    pub(super) since: (u16, u16),
    /// First release that no longer has it.
    pub(super) until: (u16, u16),
}

const ALWAYS: (u16, u16) = (0, 0);
const NEVER: (u16, u16) = (u16::MAX, 0);

impl Field {
    const fn new(name: &'static str, of: Type, default: &'static str) -> Self {
        Self { name, of, required: false, unique: None, default, since: ALWAYS, until: NEVER }
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn unique(mut self, label: &'static str) -> Self {
        self.unique = Some(label);
        self
    }

    const fn since(mut self, year: u16, month: u16) -> Self {
        self.since = (year, month);
        self
    }

    const fn until(mut self, year: u16, month: u16) -> Self {
        self.until = (year, month);
        self
    }

    pub(super) fn is_in(&self, release: (u16, u16)) -> bool {
        (self.since..self.until).contains(&release)
    }
}

/// Description of a kind.
#[derive(Debug)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    /// Path below `/api/v3/`, without slashes at the ends.
    pub(super) path: &'static str,
    pub(super) id: Id,
    /// Application and model, as in permissions.
    pub(super) application: &'static str,
    pub(super) model: &'static str,
    /// Name within texts.
    pub(super) label: &'static str,
    /// `true` if lists need no right.
    pub(super) open: bool,
    /// `true` if the client only reads it, and so does this emulator.
    pub(super) read_only: bool,
    pub(super) fields: &'static [Field],
    /// Fields that lists can be filtered by.
    pub(super) filters: &'static [&'static str],
    /// Order of lists.
    pub(super) ordering: &'static str,
    pub(super) since: (u16, u16),
}

const GRANT_TYPES: &[&str] = &[
    "authorization_code",
    "implicit",
    "hybrid",
    "refresh_token",
    "client_credentials",
    "password",
    "urn:ietf:params:oauth:grant-type:device_code",
];
const SUB_MODES: &[&str] = &["hashed_user_id", "user_id", "user_uuid", "user_username", "user_email", "user_upn"];

pub(super) static RESOURCES: &[Resource] = &[
    Resource {
        kind: Kind::Group,
        path: "core/groups",
        id: Id::Uuid,
        application: "authentik_core",
        model: "group",
        label: "Group",
        open: false,
        read_only: false,
        fields: &[
            Field::new("name", Type::Text, "null").required().unique("name"),
            Field::new("is_superuser", Type::Boolean, "false"),
            Field::new("parents", Type::Many(Kind::Group), "[]"),
            Field::new("users", Type::Many(Kind::Person), "[]"),
            Field::new("attributes", Type::Object, "{}"),
        ],
        filters: &["name", "is_superuser"],
        ordering: "name",
        since: ALWAYS,
    },
    Resource {
        kind: Kind::Person,
        path: "core/users",
        id: Id::Number,
        application: "authentik_core",
        model: "user",
        label: "User",
        open: false,
        read_only: true,
        fields: &[
            Field::new("username", Type::Text, "null").required().unique("username"),
            Field::new("name", Type::Blank, "null").required(),
            Field::new("is_active", Type::Boolean, "true"),
            Field::new("email", Type::Blank, "\"\""),
            Field::new("attributes", Type::Object, "{}"),
            Field::new("path", Type::Text, "\"users\""),
            Field::new("type", Type::Text, "\"internal\""),
        ],
        filters: &["username", "email", "name", "is_active", "path"],
        ordering: "username",
        since: ALWAYS,
    },
    Resource {
        kind: Kind::Application,
        path: "core/applications",
        id: Id::Field("slug"),
        application: "authentik_core",
        model: "application",
        label: "Application",
        open: false,
        read_only: false,
        fields: &[
            Field::new("name", Type::Text, "null").required(),
            Field::new("slug", Type::Slug, "null").required().unique("slug"),
            Field::new("provider", Type::OneOrNone(Kind::Provider), "null").unique("provider"),
            Field::new("open_in_new_tab", Type::Boolean, "false"),
            Field::new("meta_launch_url", Type::Blank, "\"\""),
            Field::new("meta_icon", Type::Blank, "\"\""),
            Field::new("meta_description", Type::Blank, "\"\""),
            Field::new("meta_publisher", Type::Blank, "\"\""),
            Field::new("policy_engine_mode", Type::Choice(&["all", "any"]), "\"any\""),
            Field::new("group", Type::Blank, "\"\""),
            Field::new("meta_hide", Type::Boolean, "false").since(2026, 5),
        ],
        filters: &["name", "slug", "meta_publisher"],
        ordering: "name",
        since: ALWAYS,
    },
    Resource {
        kind: Kind::Provider,
        path: "providers/oauth2",
        id: Id::Number,
        application: "authentik_providers_oauth2",
        model: "oauth2provider",
        label: "OAuth2/OpenID Provider",
        open: false,
        read_only: false,
        fields: &[
            Field::new("name", Type::Text, "null").required().unique("name"),
            Field::new("authentication_flow", Type::OneOrNone(Kind::Flow), "null"),
            Field::new("authorization_flow", Type::One(Kind::Flow), "null").required(),
            Field::new("invalidation_flow", Type::One(Kind::Flow), "null").required(),
            Field::new("property_mappings", Type::Many(Kind::ScopeMapping), "[]"),
            Field::new("client_type", Type::Choice(&["confidential", "public"]), "\"confidential\""),
            Field::new("grant_types", Type::Choices(GRANT_TYPES), "[]").since(2026, 5),
            Field::new("client_id", Type::Text, "null").unique("Client ID"),
            Field::new("client_secret", Type::Blank, "null").until(2026, 11),
            Field::new("secret", Type::OneOrNone(Kind::Secret), "null").since(2026, 11),
            Field::new("access_code_validity", Type::Text, "\"minutes=1\""),
            Field::new("access_token_validity", Type::Text, "\"hours=1\""),
            Field::new("refresh_token_validity", Type::Text, "\"days=30\""),
            Field::new("include_claims_in_id_token", Type::Boolean, "true"),
            Field::new("signing_key", Type::OneOrNone(Kind::KeyPair), "null"),
            Field::new("redirect_uris", Type::RedirectUris, "null").required(),
            Field::new("sub_mode", Type::Choice(SUB_MODES), "\"hashed_user_id\""),
            Field::new("issuer_mode", Type::Choice(&["global", "per_provider"]), "\"per_provider\""),
        ],
        filters: &["name", "client_id", "client_type", "sub_mode", "issuer_mode"],
        ordering: "name",
        since: ALWAYS,
    },
    Resource {
        kind: Kind::Binding,
        path: "policies/bindings",
        id: Id::Uuid,
        application: "authentik_policies",
        model: "policybinding",
        label: "Policy Binding",
        open: false,
        read_only: false,
        fields: &[
            Field::new("group", Type::OneOrNone(Kind::Group), "null"),
            Field::new("user", Type::OneOrNone(Kind::Person), "null"),
            Field::new("target", Type::One(Kind::Application), "null").required(),
            Field::new("negate", Type::Boolean, "false"),
            Field::new("enabled", Type::Boolean, "true"),
            Field::new("order", Type::Integer, "null").required(),
            Field::new("timeout", Type::Integer, "30"),
            Field::new("failure_result", Type::Boolean, "false"),
        ],
        filters: &["enabled", "order", "timeout"],
        ordering: "order",
        since: ALWAYS,
    },
    Resource {
        kind: Kind::Brand,
        path: "core/brands",
        id: Id::Uuid,
        application: "authentik_brands",
        model: "brand",
        label: "Brand",
        open: true,
        read_only: false,
        fields: &[
            Field::new("domain", Type::Text, "null").required().unique("domain"),
            Field::new("default", Type::Boolean, "false"),
            Field::new("branding_title", Type::Text, "\"authentik\""),
            Field::new("branding_logo", Type::Text, "\"/static/dist/assets/icons/icon_left_brand.svg\""),
            Field::new("branding_favicon", Type::Text, "\"/static/dist/assets/icons/icon.png\""),
            Field::new("branding_custom_css", Type::Blank, "\"\""),
            Field::new("flow_authentication", Type::OneOrNone(Kind::Flow), "null"),
            Field::new("flow_invalidation", Type::OneOrNone(Kind::Flow), "null"),
            Field::new("flow_recovery", Type::OneOrNone(Kind::Flow), "null"),
            Field::new("flow_unenrollment", Type::OneOrNone(Kind::Flow), "null"),
            Field::new("flow_user_settings", Type::OneOrNone(Kind::Flow), "null"),
            Field::new("flow_device_code", Type::OneOrNone(Kind::Flow), "null"),
            Field::new("flow_lockdown", Type::OneOrNone(Kind::Flow), "null").since(2026, 5),
            Field::new("flow_user_switch", Type::OneOrNone(Kind::Flow), "null").since(2026, 8),
            Field::new("default_application", Type::OneOrNone(Kind::Application), "null"),
            Field::new("attributes", Type::Object, "{}"),
        ],
        filters: &["domain", "default", "branding_title"],
        ordering: "domain",
        since: ALWAYS,
    },
    Resource {
        kind: Kind::Secret,
        path: "secrets/secrets",
        id: Id::Uuid,
        application: "authentik_secrets",
        model: "secret",
        label: "Secret",
        open: false,
        read_only: false,
        fields: &[
            Field::new("name", Type::Text, "null").required().unique("name"),
            Field::new("type", Type::Choice(&["text", "multiline", "file"]), "\"text\""),
        ],
        filters: &["name", "type"],
        ordering: "name",
        since: (2026, 11),
    },
    Resource {
        kind: Kind::Flow,
        path: "flows/instances",
        id: Id::Field("slug"),
        application: "authentik_flows",
        model: "flow",
        label: "Flow",
        open: false,
        read_only: true,
        fields: &[
            Field::new("name", Type::Text, "null"),
            Field::new("slug", Type::Slug, "null"),
            Field::new("designation", Type::Text, "\"authorization\""),
        ],
        filters: &["name", "slug", "designation"],
        ordering: "slug",
        since: ALWAYS,
    },
    Resource {
        kind: Kind::KeyPair,
        path: "crypto/certificatekeypairs",
        id: Id::Uuid,
        application: "authentik_crypto",
        model: "certificatekeypair",
        label: "Certificate-Key Pair",
        open: false,
        read_only: true,
        fields: &[Field::new("name", Type::Text, "null"), Field::new("private_key_available", Type::Boolean, "true")],
        filters: &["name"],
        ordering: "name",
        since: ALWAYS,
    },
    Resource {
        kind: Kind::ScopeMapping,
        path: "propertymappings/provider/scope",
        id: Id::Uuid,
        application: "authentik_providers_oauth2",
        model: "scopemapping",
        label: "Scope Mapping",
        open: false,
        read_only: true,
        fields: &[
            Field::new("name", Type::Text, "null"),
            Field::new("managed", Type::Blank, "null"),
            Field::new("scope_name", Type::Text, "null"),
        ],
        filters: &["name", "scope_name"],
        ordering: "name",
        since: ALWAYS,
    },
];

impl Kind {
    pub(super) fn resource(self) -> Option<&'static Resource> {
        RESOURCES.iter().find(|resource| resource.kind == self)
    }
}
