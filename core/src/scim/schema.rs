//! The attributes of users and groups, each declared once: readers, filters, patches and `/Schemas` follow from it.
//!
//! Only what the platform uses is kept. Further attributes of RFC 7643 are accepted and not stored.

use serde_json::{Map, Value, json};

/// The type of an attribute (RFC 7643 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A time as in XML Schema.
    DateTime,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
}

/// An attribute (RFC 7643 §7).
#[derive(Debug)]
#[non_exhaustive]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// `true` if it is a list.
    pub multi_valued: bool,
    /// `true` if a resource must have it.
    pub required: bool,
    /// `true` if its case matters in comparisons.
    pub case_exact: bool,
    /// `true` if only the service sets it.
    pub read_only: bool,
    /// `true` if every answer has it.
    pub always: bool,
    /// `true` if no two resources of a directory have the same value.
    pub unique: bool,
    /// Largest number of characters.
    pub longest: usize,
    /// Largest number of values.
    pub most: usize,
    /// Values that it usually has.
    pub usual: &'static [&'static str],
    /// Types of resources that it refers to.
    pub refers_to: &'static [&'static str],
    /// Its purpose.
    pub about: &'static str,
    /// Its sub-attributes.
    pub sub: &'static [Self],
}

impl Attribute {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self {
            name,
            kind,
            multi_valued: false,
            required: false,
            case_exact: false,
            read_only: false,
            always: false,
            unique: false,
            longest: 255,
            most: 100,
            usual: &[],
            refers_to: &[],
            about,
            sub: &[],
        }
    }

    const fn of(mut self, sub: &'static [Self]) -> Self {
        self.sub = sub;
        self
    }

    const fn many(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    const fn up_to(mut self, most: usize) -> Self {
        self.most = most;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn at_most(mut self, longest: usize) -> Self {
        self.longest = longest;
        self
    }

    const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    const fn usually(mut self, usual: &'static [&'static str]) -> Self {
        self.usual = usual;
        self
    }

    const fn to(mut self, refers_to: &'static [&'static str]) -> Self {
        self.refers_to = refers_to;
        self
    }

    const fn exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    const fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// Returns the sub-attribute of a name, whose case does not matter (RFC 7643 §2.1).
    #[must_use]
    pub fn sub(&self, name: &str) -> Option<&'static Self> {
        self.sub.iter().find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// Describes it as a member of `/Schemas`.
    fn described(&self) -> Value {
        let kind = match self.kind {
            Kind::String => "string",
            Kind::Boolean => "boolean",
            Kind::DateTime => "dateTime",
            Kind::Reference => "reference",
            Kind::Complex => "complex",
        };
        let mut described = json!({
            "name": self.name,
            "type": kind,
            "multiValued": self.multi_valued,
            "description": self.about,
            "required": self.required,
            "mutability": if self.read_only { "readOnly" } else { "readWrite" },
            "returned": if self.always { "always" } else { "default" },
        });
        if let Value::Object(members) = &mut described {
            if matches!(self.kind, Kind::String | Kind::Reference) {
                members.insert("caseExact".to_owned(), self.case_exact.into());
                members.insert("uniqueness".to_owned(), if self.unique { "server" } else { "none" }.into());
            }
            if self.kind == Kind::Reference {
                members.insert("referenceTypes".to_owned(), json!(self.refers_to));
            }
            if !self.usual.is_empty() {
                members.insert("canonicalValues".to_owned(), json!(self.usual));
            }
            if !self.sub.is_empty() {
                members.insert("subAttributes".to_owned(), self.sub.iter().map(Self::described).collect());
            }
        }
        described
    }
}

/// The schema of a type of resource.
#[derive(Debug)]
#[non_exhaustive]
pub struct Schema {
    /// Its URI.
    pub urn: &'static str,
    /// Name of the type.
    pub name: &'static str,
    /// Name of its endpoint.
    pub endpoint: &'static str,
    /// Its purpose.
    pub about: &'static str,
    /// Its attributes, without those that every resource has.
    pub attributes: &'static [Attribute],
    /// Attributes of RFC 7643 that are accepted and not stored.
    pub not_stored: &'static [&'static str],
}

/// The attributes that every resource has (RFC 7643 §3.1).
const COMMON: &[Attribute] = &[
    Attribute::new("schemas", Kind::Reference, "URIs of the schemas of the resource.")
        .many()
        .exact()
        .to(&["uri"])
        .read_only()
        .always(),
    Attribute::new("id", Kind::String, "Id of the resource.").exact().read_only().always().unique(),
    Attribute::new("externalId", Kind::String, "Id of the resource at the identity provider.").exact(),
    Attribute::new("meta", Kind::Complex, "Data about the resource.").read_only().of(&[
        Attribute::new("resourceType", Kind::String, "Name of its type.").exact().read_only(),
        Attribute::new("created", Kind::DateTime, "Time of its creation.").read_only(),
        Attribute::new("lastModified", Kind::DateTime, "Time of its last change.").read_only(),
        Attribute::new("location", Kind::Reference, "Its address.").exact().to(&["uri"]).read_only(),
        Attribute::new("version", Kind::String, "Its entity tag.").exact().read_only(),
    ]),
];

/// People (RFC 7643 §4.1).
pub static USER: Schema = Schema {
    urn: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    endpoint: "/Users",
    about: "A person of the identity provider",
    attributes: &[
        Attribute::new("userName", Kind::String, "Name that the person signs in with.")
            .at_most(200)
            .required()
            .unique(),
        Attribute::new("name", Kind::Complex, "Name of the person.").of(&[
            Attribute::new("formatted", Kind::String, "The whole name."),
            Attribute::new("familyName", Kind::String, "Family name."),
            Attribute::new("givenName", Kind::String, "Given name."),
        ]),
        Attribute::new("displayName", Kind::String, "Name that others see."),
        Attribute::new("active", Kind::Boolean, "false ends every access at the next request."),
        Attribute::new("emails", Kind::Complex, "Addresses. The primary one, or the first, is used.").many().of(&[
            Attribute::new("value", Kind::String, "The address."),
            Attribute::new("type", Kind::String, "Its purpose.").usually(&["work", "home", "other"]),
            Attribute::new("primary", Kind::Boolean, "true for one address."),
        ]),
        Attribute::new("groups", Kind::Complex, "Groups that the person is in; changed by the groups.")
            .many()
            .read_only()
            .of(&[
                Attribute::new("value", Kind::String, "Id of the group.").exact().read_only(),
                Attribute::new("$ref", Kind::Reference, "Address of the group.").exact().to(&["Group"]).read_only(),
                Attribute::new("display", Kind::String, "Name of the group.").read_only(),
                Attribute::new("type", Kind::String, "direct.").usually(&["direct"]).read_only(),
            ]),
    ],
    not_stored: &[
        "nickName",
        "profileUrl",
        "title",
        "userType",
        "preferredLanguage",
        "locale",
        "timezone",
        "password",
        "phoneNumbers",
        "ims",
        "photos",
        "addresses",
        "entitlements",
        "roles",
        "x509Certificates",
    ],
};

/// Largest number of members in one request. A body of 1 MiB has no more.
pub(super) const MOST_MEMBERS: usize = 50_000;

/// Groups (RFC 7643 §4.2).
pub static GROUP: Schema = Schema {
    urn: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    endpoint: "/Groups",
    about: "A group of the identity provider. That of a tenant makes its members members of the tenant",
    attributes: &[
        Attribute::new("displayName", Kind::String, "Its name, which a tenant names in authentikGroup.")
            .at_most(200)
            .required()
            .exact()
            .unique(),
        Attribute::new("members", Kind::Complex, "The people in it.").many().up_to(MOST_MEMBERS).of(&[
            Attribute::new("value", Kind::String, "Id of the person.").exact(),
            Attribute::new("$ref", Kind::Reference, "Address of the person.").exact().to(&["User"]),
            Attribute::new("type", Kind::String, "User.").usually(&["User"]),
        ]),
    ],
    not_stored: &[],
};

/// The schema of the extension for companies (RFC 7643 §4.3), which is accepted and not stored.
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// All schemas.
pub static SCHEMAS: [&Schema; 2] = [&USER, &GROUP];

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const RESOURCE_TYPE: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
const PROVIDER: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";

impl Schema {
    /// Returns the attribute of a name, whose case does not matter.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes.iter().chain(COMMON).find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// Returns all attributes of a resource.
    pub fn all(&self) -> impl Iterator<Item = &'static Attribute> {
        self.attributes.iter().chain(COMMON)
    }

    /// Returns `true` for an attribute of RFC 7643 that is accepted and not stored.
    #[must_use]
    pub fn leaves_out(&self, name: &str) -> bool {
        self.not_stored.iter().any(|one| one.eq_ignore_ascii_case(name))
    }

    /// Describes it as a resource of `/Schemas`, at this base.
    #[must_use]
    pub fn described(&self, base: &str) -> Value {
        json!({
            "schemas": [SCHEMA],
            "id": self.urn,
            "name": self.name,
            "description": self.about,
            "attributes": self.attributes.iter().map(Attribute::described).collect::<Vec<_>>(),
            "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.urn) },
        })
    }

    /// Describes its type as a resource of `/ResourceTypes`, at this base.
    #[must_use]
    pub fn resource_type(&self, base: &str) -> Value {
        json!({
            "schemas": [RESOURCE_TYPE],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.about,
            "schema": self.urn,
            "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{}", self.name) },
        })
    }
}

/// Describes what the service supports (RFC 7643 §5), at this base.
#[must_use]
pub fn service_provider_config(base: &str) -> Value {
    let supported = |supported: bool| Value::Object(Map::from_iter([("supported".to_owned(), supported.into())]));
    json!({
        "schemas": [PROVIDER],
        "documentationUri": "https://www.rfc-editor.org/rfc/rfc7644",
        "patch": supported(true),
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": super::MOST_RESULTS },
        "changePassword": supported(false),
        "sort": supported(false),
        "etag": supported(true),
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "An API key with the scopes directory.read and directory.provision.",
            "specUri": "https://www.rfc-editor.org/rfc/rfc6750",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig") },
    })
}
