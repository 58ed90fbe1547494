//! Lists: limits, opaque cursors and pages.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::Call;
use crate::{
    error::{Code, Error, FieldCode, FieldError, Result},
    store::Position,
};

/// The page of a list that is requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// The maximum number of items, 1 to 200. Default: 50.
    pub limit: Option<u32>,
    /// `nextCursor` of the previous page.
    pub cursor: Option<String>,
}

impl ListRequest {
    /// The limit if none is given.
    pub const DEFAULT_LIMIT: u32 = 50;
    /// The largest limit.
    pub const MAXIMUM_LIMIT: u32 = 200;

    /// Returns the limit.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when it is out of range.
    pub fn limit(&self) -> Result<u32> {
        match self.limit {
            None => Ok(Self::DEFAULT_LIMIT),
            Some(limit) if (1..=Self::MAXIMUM_LIMIT).contains(&limit) => Ok(limit),
            Some(_) => {
                let message = format!("must be a whole number from 1 to {}", Self::MAXIMUM_LIMIT);
                Err(Error::invalid(vec![FieldError::new("limit", FieldCode::OUT_OF_RANGE, message)]))
            }
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Cursor of the next page; `null` on the last page.
    pub next_cursor: Option<String>,
}

/// The list, filters and caller that a cursor is valid for.
#[derive(Debug, Clone)]
pub(crate) struct CursorScope([u8; 12]);

#[derive(Serialize, Deserialize)]
struct CursorContent {
    #[serde(rename = "q")]
    scope: [u8; 12],
    #[serde(rename = "p")]
    position: Position,
}

impl CursorScope {
    const MAXIMUM_LENGTH: usize = 4_096;

    /// Creates the scope of the list `name` with `filters`, for the caller of `call`.
    pub(crate) fn new(call: &Call, name: &str, filters: &[(&str, Option<&str>)]) -> Self {
        let mut hash = Sha256::new();
        // Each part is preceded by its length, so that different lists of parts never give the same bytes.
        let mut part = |text: &str| {
            // A fixed width on every target: cursors pass between components and the native router.
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(&call.caller_identity());
        part(name);
        for (field, value) in filters {
            part(field);
            part(value.unwrap_or("\u{0}"));
        }
        let digest: [u8; 32] = hash.finalize().into();
        let mut scope = [0; 12];
        scope.iter_mut().zip(digest).for_each(|(target, byte)| *target = byte);
        Self(scope)
    }

    /// Encodes a cursor that continues after `position`.
    pub(crate) fn encode(&self, position: Position) -> Result<String> {
        let content = CursorContent { scope: self.0, position };
        let json = serde_json::to_vec(&content).map_err(|error| Error::internal(error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    /// Decodes the position of a cursor.
    ///
    /// # Errors
    /// [`crate::ErrorKind::BadRequest`] with `invalid_cursor` when it is not a cursor of this list, these filters and
    /// this caller.
    pub(crate) fn decode(&self, cursor: Option<&str>, values: usize) -> Result<Option<Position>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let invalid = || {
            let message = "`cursor` is not one of this list with these filters: begin again without it";
            Error::new(Code::INVALID_CURSOR, message)
        };
        if cursor.len() > Self::MAXIMUM_LENGTH {
            return Err(invalid());
        }
        let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
        let content: CursorContent = serde_json::from_slice(&json).map_err(|_| invalid())?;
        if content.scope != self.0 || content.position.values.len() != values {
            return Err(invalid());
        }
        Ok(Some(content.position))
    }

    /// Makes a page of up to `limit` items from up to `limit + 1`.
    pub(crate) fn page<T, V>(
        &self,
        mut items: Vec<T>,
        limit: u32,
        position: impl Fn(&T) -> Position,
        view: impl FnMut(T) -> V,
    ) -> Result<Page<V>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next_cursor = match items.last() {
            Some(last) if more => Some(self.encode(position(last))?),
            _ => None,
        };
        Ok(Page { items: items.into_iter().map(view).collect(), next_cursor })
    }
}
