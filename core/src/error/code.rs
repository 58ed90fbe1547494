//! Types of codes, and the macro that declares each code once.

use std::fmt;

use super::{ErrorKind, codes::Row};

/// The stable code of an error. Its kind, and so its HTTP status, follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code {
    pub(super) row: Row,
    pub(super) kind: ErrorKind,
}

/// The stable code of an invalid field, which stands in [`FieldError`](super::FieldError).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldCode(pub(super) Row);

impl Code {
    /// Looks up a code by its name, for edges that receive errors as text.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// Returns the name, such as `token_expired`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row.name()
    }

    /// Returns the kind of every error with this code.
    #[must_use]
    pub const fn kind(self) -> ErrorKind {
        self.kind
    }

    /// Returns `true` if the same call may succeed later without a change by the caller.
    #[must_use]
    pub fn retryable(self) -> bool {
        self.kind.retryable() && !Self::LASTING.contains(&self)
    }

    /// Returns what happened.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.row.meaning()
    }

    /// Returns what to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        self.row.advice()
    }
}

impl FieldCode {
    /// Looks up a code by its name, for edges that receive errors as text.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Row::ALL.iter().copied().find(|row| row.name() == name).map(Self)
    }

    /// Returns the name, such as `too_long`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns what is wrong with the field.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        self.0.meaning()
    }

    /// Returns what to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        self.0.advice()
    }
}

/// An answer that is about one field names the field with its own code.
impl From<Code> for FieldCode {
    fn from(code: Code) -> Self {
        Self(code.row)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl fmt::Display for FieldCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl serde::Serialize for FieldCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Declares codes, a row each: constant, name, `as KIND` if it is the code of an error, `in field` if it is the code of a
/// field, what happened, and what to do about it. `(never)` after the kind denies that a retry helps.
macro_rules! codes {
    ($(
        $row:ident $name:literal $(as $kind:ident $(($never:ident))?)? $(in $field:ident)?:
        $meaning:literal, $advice:literal;
    )*) => {
        /// A row of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "named as the constants are")]
        pub(super) enum Row {
            $($row,)*
        }

        // Each column is a function of its own, so that the component contains those only that it calls.
        impl Row {
            pub(super) const ALL: &'static [Self] = &[$(Self::$row,)*];

            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$row => $name,)* }
            }

            pub(super) const fn meaning(self) -> &'static str {
                match self { $(Self::$row => $meaning,)* }
            }

            pub(super) const fn advice(self) -> &'static str {
                match self { $(Self::$row => $advice,)* }
            }
        }

        impl Code {
            /// All codes of errors, in the order of the table.
            pub const ALL: &'static [Self] = &[$($({ let _ = ErrorKind::$kind; Self::$row },)?)*];

            /// Codes of a kind that is otherwise worth a retry.
            pub(super) const LASTING: &'static [Self] = &[$($($({ let _ = stringify!($never); Self::$row },)?)?)*];

            $($(
                #[doc = $meaning]
                pub const $row: Self = Self { row: Row::$row, kind: ErrorKind::$kind };
            )?)*
        }

        impl FieldCode {
            /// All codes that stand at fields, in the order of the table.
            pub const ALL: &'static [Self] = &[$($({ let _ = stringify!($field); Self::$row },)?)*];

            $($(
                #[doc = $meaning]
                #[doc = concat!("Stands at a ", stringify!($field), ".")]
                pub const $row: Self = Self(Row::$row);
            )?)*
        }
    };
}

pub(super) use codes;
