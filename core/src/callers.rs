//! Sets of callers by their relation to a resource, for the policy and for views.

/// A set of callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Callers(u8);

impl Callers {
    /// Nobody.
    pub const NOBODY: Self = Self(0);
    /// Named system actors.
    pub const SYSTEM: Self = Self(1);
    /// Administrators of the platform by a lasting right.
    pub const PLATFORM_ADMIN: Self = Self(2);
    /// Owners of the tenant in question.
    pub const OWNER: Self = Self(4);
    /// Administrators of the tenant in question.
    pub const ADMIN: Self = Self(8);
    /// Members of the tenant in question.
    pub const MEMBER: Self = Self(16);
    /// The person whose user it is.
    pub const ONESELF: Self = Self(32);
    /// Any other person whom the platform knows.
    pub const STRANGER: Self = Self(64);
    /// Administrators of the platform for as long as their tokens name its group.
    pub const ADMIN_BY_CLAIM: Self = Self(128);

    /// The platform, by a lasting right.
    pub const LASTING: Self = Self::SYSTEM.and(Self::PLATFORM_ADMIN);
    /// The platform.
    pub const PLATFORM: Self = Self::LASTING.and(Self::ADMIN_BY_CLAIM);
    /// The platform, and owners.
    pub const OWNERS: Self = Self::PLATFORM.and(Self::OWNER);
    /// The platform, owners and administrators of the tenant.
    pub const ADMINS: Self = Self::OWNERS.and(Self::ADMIN);
    /// The platform, and everybody in the tenant.
    pub const MEMBERS: Self = Self::ADMINS.and(Self::MEMBER);
    /// The platform, and the person whose user it is.
    pub const SELF: Self = Self::PLATFORM.and(Self::ONESELF);
    /// All of them.
    pub const EVERYONE: Self = Self::MEMBERS.and(Self::ONESELF).and(Self::STRANGER);

    /// Each caller by itself, in the order of the table's columns.
    pub const ALL: [(Self, &'static str); 8] = [
        (Self::SYSTEM, "system"),
        (Self::PLATFORM_ADMIN, "platform admin"),
        (Self::ADMIN_BY_CLAIM, "platform admin by claim"),
        (Self::OWNER, "owner"),
        (Self::ADMIN, "admin"),
        (Self::MEMBER, "member"),
        (Self::ONESELF, "oneself"),
        (Self::STRANGER, "anybody else"),
    ];

    /// Returns the union of both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns `true` if all callers of another set are in this one.
    #[must_use]
    pub const fn contain(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Returns `true` if the sets have a common caller.
    #[must_use]
    pub const fn includes(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}
