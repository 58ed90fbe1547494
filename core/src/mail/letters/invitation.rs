//! The invitation to a tenant.

use super::day;
use crate::{
    domain::{Invitation, Language, MembershipRole, Tenant},
    mail::{Letter, Step},
};

/// Writes the mail of an invitation, with its link.
#[must_use]
pub fn invitation(invitation: &Invitation, tenant: &Tenant, link: &str) -> Letter {
    let (name, until) = (&tenant.name, day(invitation.expires_at, invitation.language));
    let mailbox = invitation.mailbox.as_ref().map(|mailbox| format!("{}@{}", mailbox.local_part, mailbox.domain));
    let person = invitation.name.as_deref();
    match invitation.language {
        Language::En => Letter {
            language: Language::En,
            subject: format!("{name} invites you"),
            salutation: person.map_or_else(|| "Hello,".to_owned(), |person| format!("Hello {person},")),
            before: [
                Some(format!("{name} invites you to its workspace, {}.", english(invitation.role))),
                mailbox.map(|address| format!("With it you get the mailbox {address}.")),
            ]
            .into_iter()
            .flatten()
            .collect(),
            step: Some(Step {
                label: "Accept the invitation".to_owned(),
                url: link.to_owned(),
                otherwise: "If the button does not work, open this address:".to_owned(),
            }),
            after: vec![
                format!(
                    "You sign in there, or create an account first. The invitation is for you alone and can be used once, until {until}. \
                     Do not pass the link on: whoever uses it joins in your place."
                ),
                "If you did not expect this mail, you need not do anything.".to_owned(),
            ],
        },
        Language::De => Letter {
            language: Language::De,
            subject: format!("{name} lädt Sie ein"),
            salutation: person.map_or_else(|| "Guten Tag,".to_owned(), |person| format!("Guten Tag {person},")),
            before: [
                Some(format!("{name} lädt Sie in den eigenen Arbeitsbereich ein, {}.", german(invitation.role))),
                mailbox.map(|address| format!("Sie erhalten dort das Postfach {address}.")),
            ]
            .into_iter()
            .flatten()
            .collect(),
            step: Some(Step {
                label: "Einladung annehmen".to_owned(),
                url: link.to_owned(),
                otherwise: "Falls die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:".to_owned(),
            }),
            after: vec![
                format!(
                    "Sie melden sich dort an oder legen zuerst ein Konto an. Die Einladung gilt nur für Sie und einmal, bis zum {until}. \
                     Geben Sie den Link nicht weiter: Wer ihn benutzt, tritt an Ihrer Stelle bei."
                ),
                "Falls Sie diese Nachricht nicht erwartet haben, brauchen Sie nichts zu tun.".to_owned(),
            ],
        },
    }
}

const fn english(role: MembershipRole) -> &'static str {
    match role {
        MembershipRole::Member => "as a member",
        MembershipRole::Admin => "as an administrator",
        MembershipRole::Owner => "as an owner",
    }
}

const fn german(role: MembershipRole) -> &'static str {
    match role {
        MembershipRole::Member => "als Mitglied",
        MembershipRole::Admin => "zur Verwaltung",
        MembershipRole::Owner => "als Inhaberin oder Inhaber",
    }
}
