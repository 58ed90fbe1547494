//! App passwords: credentials of an account, which the registry shows as objects of that account.

use serde::Deserialize;
use serde_json::json;

use super::{
    super::{names, reading::read},
    Batch, Jmap,
    call::GetAnswer,
    gone, of_account,
};
use crate::{
    connectors::{AppPassword, ConnectorError, ConnectorResult, Mailbox},
    context::RequestContext,
};

const GET: &str = "x:AppPassword/get";
const SET: &str = "x:AppPassword/set";

#[derive(Deserialize)]
struct Password {
    id: String,
    description: String,
}

#[derive(Deserialize)]
struct Created {
    secret: String,
}

impl Jmap {
    /// Returns the app passwords of a mailbox whose label is of this kind.
    async fn passwords(
        &self,
        context: &RequestContext,
        account: &str,
        of_kind: impl Fn(&str) -> bool,
    ) -> ConnectorResult<Vec<Password>> {
        let arguments = of_account(account, json!({ "ids": null, "properties": ["description"] }));
        let mut answers = self.send(context, Batch::new().call(GET, arguments)).await?;
        let mut found = Vec::new();
        for password in answers.take::<GetAnswer>(0)?.list {
            let password: Password = read(GET, password)?;
            if of_kind(&password.description) {
                found.push(password);
            }
        }
        Ok(found)
    }

    /// Returns the labels of our app passwords of a mailbox.
    pub(super) async fn own_passwords(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
    ) -> ConnectorResult<Vec<String>> {
        let Some(account) = self.mailbox_id(context, mailbox).await? else { return Ok(Vec::new()) };
        let found = self.passwords(context, &account, names::is_own).await?;
        Ok(found.into_iter().map(|password| password.description).collect())
    }

    /// Creates an app password in the place of ours of the same mark: its creation may be repeated after a lost answer.
    pub(super) async fn add_password(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        mark: &str,
        name: &str,
    ) -> ConnectorResult<AppPassword> {
        let gone = || gone(&format!("the mailbox `{}`", mailbox.local_part));
        let account = self.mailbox_id(context, mailbox).await?.ok_or_else(gone)?;
        let label = names::label(name, mark)?;
        let replaced = self.passwords(context, &account, |text| text == label).await?;
        let replaced: Vec<String> = replaced.into_iter().map(|password| password.id).collect();
        let mut batch = Batch::new();
        let place = usize::from(!replaced.is_empty());
        if !replaced.is_empty() {
            // A call before, because the number of app passwords is checked before any is destroyed.
            batch = batch.call(SET, of_account(&account, json!({ "destroy": replaced })));
        }
        let create = json!({ "create": { "p": { "description": label } } });
        let batch = batch.call(SET, of_account(&account, create));
        let mut answers = self.send(context, batch).await?;
        let what = format!("an app password of the mailbox `{}`", mailbox.local_part);
        match answers.take_set(place)?.created::<Created>("p")? {
            Ok(created) => Ok(AppPassword { id: label, secret: created.secret }),
            Err(error) if error.is("overQuota") => {
                let why = format!(
                    "Stalwart refuses {what}: there are as many as it allows; delete one, or raise `maxAppPasswords` of its authentication settings"
                );
                Err(ConnectorError::Rejected { why })
            }
            Err(error) if error.is("notFound") => Err(gone()),
            Err(error) => Err(error.into_error(&what)),
        }
    }

    /// Deletes the app password with a label. The ids of the registry are given away again, and would name another.
    pub(super) async fn destroy_password(
        &self,
        context: &RequestContext,
        mailbox: &Mailbox,
        label: &str,
    ) -> ConnectorResult<()> {
        let Some(account) = self.mailbox_id(context, mailbox).await? else { return Ok(()) };
        let found = self.passwords(context, &account, |text| text == label).await?;
        let [Password { id, .. }] = found.as_slice() else { return Ok(()) };
        let set = of_account(&account, json!({ "destroy": [id] }));
        let mut answers = self.send(context, Batch::new().call(SET, set)).await?;
        match answers.take_set(0)?.destroyed(id)? {
            Err(error) if !error.is("notFound") => {
                Err(error.into_error(&format!("an app password of the mailbox `{}`", mailbox.local_part)))
            }
            _ => Ok(()),
        }
    }
}
