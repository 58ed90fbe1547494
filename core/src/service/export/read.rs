//! Reads exports, page by page.

use super::{ExportRecord, Part, parts_of_person, parts_of_tenant};
use crate::{
    authz::Action,
    domain::{ObjectId, UserId},
    error::{Code, Error, Result},
    service::{Call, ListRequest, Page, Service, access::TenantReference, cursor::CursorScope},
    store::{Document, Position, Value, read::ABSENT},
};

impl Service {
    /// Exports everything about a tenant that its owner may see, page by page.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient`, `invalid_cursor` or `invalid_fields`.
    pub async fn export_tenant(
        &self,
        call: &Call,
        reference: &TenantReference,
        request: &ListRequest,
    ) -> Result<Page<ExportRecord>> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::ExportTenant)?.id;
        let scope = CursorScope::new(call, "export.tenant", &[("tenant", Some(&tenant.to_string()))]);
        self.export(call, &parts_of_tenant(), tenant.0, &scope, request).await
    }

    /// Exports everything about a person, page by page: their own, or anybody's for the platform.
    ///
    /// # Errors
    /// `not_found`, `invalid_cursor` or `invalid_fields`.
    pub async fn export_user(&self, call: &Call, id: UserId, request: &ListRequest) -> Result<Page<ExportRecord>> {
        self.user_access(call, id, Action::ExportUser, &[], false).await?;
        let scope = CursorScope::new(call, "export.user", &[("user", Some(&id.to_string()))]);
        self.export(call, &parts_of_person(), id.0, &scope, request).await
    }

    async fn export(
        &self,
        call: &Call,
        parts: &[Part],
        owner: ObjectId,
        scope: &CursorScope,
        request: &ListRequest,
    ) -> Result<Page<ExportRecord>> {
        let limit = request.limit()?;
        let invalid = || Error::new(Code::INVALID_CURSOR, "`cursor` is not one of this export: begin again without it");
        // The name of the collection, and the position in it.
        let (mut number, mut after) = match scope.decode(request.cursor.as_deref(), 2)? {
            None => (0, None),
            Some(Position { values, id }) => match values.as_slice() {
                [Value::Text(name), Value::Text(values)] => {
                    let number = parts.iter().position(|part| part.collection.name == name).ok_or_else(invalid)?;
                    let values: Option<Vec<Value>> = serde_json::from_str(values).map_err(|_| invalid())?;
                    (number, values.map(|values| Position { values, id }))
                }
                _ => return Err(invalid()),
            },
        };
        // A component may not read all of it: its host makes the page.
        self.leave_to_effect(call).await?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut items = Vec::new();
        while let Some(part) = parts.get(number) {
            let left = u32::try_from(wanted.saturating_sub(items.len())).unwrap_or(u32::MAX);
            // One more than there is room for tells if there is another page.
            let query = part.query(owner, after.take(), left.saturating_add(1));
            let documents = self.store.find(&call.context, &query).await?;
            let mut last = None;
            for document in &documents {
                if items.len() == wanted {
                    let next_cursor = Some(cursor(scope, part, last)?);
                    return Ok(Page { items, next_cursor });
                }
                items.push(part.record(document)?);
                last = Some(document);
            }
            number += 1;
        }
        Ok(Page { items, next_cursor: None })
    }
}

/// Returns the cursor that goes on after a document of a part, or at its beginning.
fn cursor(scope: &CursorScope, part: &Part, last: Option<&Document>) -> Result<String> {
    let position = last.map(|last| part.position(last)).transpose()?;
    let id = position.as_ref().map_or(ABSENT, |position| position.id);
    let values = serde_json::to_string(&position.map(|position| position.values));
    let values = values.map_err(|error| Error::internal(error.to_string()))?;
    scope.encode(Position { values: vec![part.collection.name.into(), values.into()], id })
}
