//! Notices to the owners of a tenant at each step of its subscription's life.

use super::day;
use crate::{
    domain::{Language, Notice, NoticeKind, Tenant},
    mail::{Letter, Step},
};

/// Writes the mail of a notice to an owner, with the address of the page about the subscription, if there is one.
#[must_use]
pub fn notice(
    notice: &Notice,
    tenant: &Tenant,
    person: Option<&str>,
    language: Language,
    link: Option<&str>,
) -> Letter {
    let (name, date) = (tenant.name.as_str(), day(notice.date, language));
    let (salutation, label, otherwise) = match language {
        Language::En => (
            person.map_or_else(|| "Hello,".to_owned(), |person| format!("Hello {person},")),
            "See the subscription",
            "If the button does not work, open this address:",
        ),
        Language::De => (
            person.map_or_else(|| "Guten Tag,".to_owned(), |person| format!("Guten Tag {person},")),
            "Abonnement ansehen",
            "Falls die Schaltfläche nicht funktioniert, öffnen Sie diese Adresse:",
        ),
    };
    let Words { subject, before, after } = match language {
        Language::En => english(notice.kind, name, &date),
        Language::De => german(notice.kind, name, &date),
    };
    let step = link.map(|url| Step { label: label.to_owned(), url: url.to_owned(), otherwise: otherwise.to_owned() });
    Letter { language, subject, salutation, before, step, after }
}

/// Parts that differ from kind to kind.
struct Words {
    subject: String,
    before: Vec<String>,
    after: Vec<String>,
}

fn english(kind: NoticeKind, name: &str, date: &str) -> Words {
    match kind {
        NoticeKind::TrialEnds => Words {
            subject: format!("The trial of {name} ends on {date}"),
            before: vec![
                format!("The trial of {name} ends on {date}. Until then everything works as it does now."),
                format!(
                    "To go on without interruption, pay before {date}. Without a payment, the workspace is suspended some time after \
                     that: then mail and files cannot be used. Nothing is removed when the trial ends."
                ),
            ],
            after: vec!["You get this mail because you are an owner of the workspace.".to_owned()],
        },
        NoticeKind::PaymentFailed => Words {
            subject: format!("A payment for {name} is missing"),
            before: vec![
                format!("No payment for {name} has arrived, although one was due."),
                format!(
                    "Mail and files go on working for now. Pay before {date}: on that day the workspace is suspended, and mail and \
                     files cannot be used until a payment arrives. Nothing is removed."
                ),
            ],
            after: vec!["If you have paid already, you need not do anything.".to_owned()],
        },
        NoticeKind::Suspended => Words {
            subject: format!("{name} is suspended"),
            before: vec![
                format!("{name} is suspended, because a payment is missing."),
                "You can still sign in and look at the workspace, but nothing in it can be changed, and mail and files cannot be used. \
                 Nothing was removed."
                    .to_owned(),
                format!(
                    "Pay before {date}, and everything is as it was. On that day the subscription is cancelled, and after that \
                     the workspace is deleted."
                ),
            ],
            after: vec!["If you have paid already, you need not do anything.".to_owned()],
        },
        NoticeKind::Cancelled => Words {
            subject: format!("{name} will be deleted on {date}"),
            before: vec![
                format!("The subscription of {name} is cancelled. The workspace is suspended: mail and files cannot be used."),
                format!("On {date} the workspace is deleted, with its mail and its files. Until then nothing is removed."),
                format!("To keep it, choose a plan again before {date}. If the page below offers none, ask the operator of the platform."),
            ],
            after: vec!["If you no longer need the workspace, you need not do anything.".to_owned()],
        },
        NoticeKind::Deleted => Words {
            subject: format!("{name} was deleted"),
            before: vec![
                format!("{name} was deleted. Nobody can use the workspace, its mail or its files any more."),
                format!("On {date} its mail and its files are erased, and nobody can bring them back then."),
                format!(
                    "Until then the deletion can be undone. If you want that, ask the operator of the platform before {date}."
                ),
            ],
            after: vec!["If you no longer need the workspace, you need not do anything.".to_owned()],
        },
    }
}

fn german(kind: NoticeKind, name: &str, date: &str) -> Words {
    match kind {
        NoticeKind::TrialEnds => Words {
            subject: format!("Die Testzeit von {name} endet am {date}"),
            before: vec![
                format!("Die Testzeit von {name} endet am {date}. Bis dahin funktioniert alles wie bisher."),
                format!(
                    "Damit es ohne Unterbrechung weitergeht, zahlen Sie vor dem {date}. Ohne Zahlung wird der Arbeitsbereich einige Zeit \
                     danach gesperrt: Dann lassen sich E-Mail und Dateien nicht nutzen. Mit dem Ende der Testzeit wird nichts entfernt."
                ),
            ],
            after: vec!["Sie erhalten diese Nachricht, weil Sie Inhaberin oder Inhaber des Arbeitsbereichs sind.".to_owned()],
        },
        NoticeKind::PaymentFailed => Words {
            subject: format!("Eine Zahlung für {name} fehlt"),
            before: vec![
                format!("Für {name} ist keine Zahlung eingegangen, obwohl eine fällig war."),
                format!(
                    "E-Mail und Dateien funktionieren vorerst weiter. Zahlen Sie vor dem {date}: An diesem Tag wird der Arbeitsbereich \
                     gesperrt, und E-Mail und Dateien lassen sich nicht nutzen, bis eine Zahlung eingeht. Entfernt wird nichts."
                ),
            ],
            after: vec!["Falls Sie schon gezahlt haben, brauchen Sie nichts zu tun.".to_owned()],
        },
        NoticeKind::Suspended => Words {
            subject: format!("{name} ist gesperrt"),
            before: vec![
                format!("{name} ist gesperrt, weil eine Zahlung fehlt."),
                "Sie können sich weiterhin anmelden und den Arbeitsbereich ansehen. Ändern lässt sich nichts, und E-Mail und Dateien \
                 lassen sich nicht nutzen. Entfernt wurde nichts."
                    .to_owned(),
                format!(
                    "Zahlen Sie vor dem {date}, und alles ist wie zuvor. An diesem Tag wird das Abonnement gekündigt, und danach \
                     wird der Arbeitsbereich gelöscht."
                ),
            ],
            after: vec!["Falls Sie schon gezahlt haben, brauchen Sie nichts zu tun.".to_owned()],
        },
        NoticeKind::Cancelled => Words {
            subject: format!("{name} wird am {date} gelöscht"),
            before: vec![
                format!(
                    "Das Abonnement von {name} ist gekündigt. Der Arbeitsbereich ist gesperrt: E-Mail und Dateien lassen sich nicht nutzen."
                ),
                format!(
                    "Am {date} wird der Arbeitsbereich gelöscht, mit seinen E-Mails und Dateien. Bis dahin wird nichts entfernt."
                ),
                format!(
                    "Wenn Sie ihn behalten möchten, wählen Sie vor dem {date} wieder einen Tarif. Falls die Seite unten keinen anbietet, wenden \
                     Sie sich an den Betreiber der Plattform."
                ),
            ],
            after: vec!["Falls Sie den Arbeitsbereich nicht mehr brauchen, brauchen Sie nichts zu tun.".to_owned()],
        },
        NoticeKind::Deleted => Words {
            subject: format!("{name} wurde gelöscht"),
            before: vec![
                format!("{name} wurde gelöscht. Niemand kann den Arbeitsbereich, seine E-Mails oder Dateien mehr nutzen."),
                format!("Am {date} werden seine E-Mails und Dateien endgültig entfernt, und niemand kann sie dann zurückholen."),
                format!(
                    "Bis dahin lässt sich die Löschung rückgängig machen. Wenn Sie das möchten, wenden Sie sich vor dem {date} an den \
                     Betreiber der Plattform."
                ),
            ],
            after: vec!["Falls Sie den Arbeitsbereich nicht mehr brauchen, brauchen Sie nichts zu tun.".to_owned()],
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::notice;
    use crate::{
        clock::Timestamp,
        domain::{Choice as _, Language, NoticeKind, Tenant, notice::Planned},
    };

    #[test]
    fn every_kind_says_its_name_and_its_date_in_every_language() {
        let date = Timestamp::from_seconds(1_772_323_200);
        let mut tenant = Tenant::blank("acme".to_owned(), date);
        tenant.rename("Acme & Co".to_owned());
        for kind in NoticeKind::ALL {
            let planned = Planned { kind: *kind, since: date, date, due_at: date, expires_at: date };
            let stored = planned.into_notice(tenant.id, date);
            for (language, day) in [(Language::En, "before 1 March 2026"), (Language::De, "vor dem 1. März 2026")] {
                let letter = notice(&stored, &tenant, Some("Olga"), language, Some("https://app.dezky.eu/"));
                let text = letter.before.concat();
                assert!(letter.subject.contains("Acme & Co"), "{}", letter.subject);
                assert!(text.contains("Acme & Co") && text.contains(day), "{kind:?}: {text}");
                assert!(!text.contains("  ") && !text.contains('\n'), "{text}");
                assert!(letter.salutation.contains("Olga") && letter.step.is_some());
            }
            assert_eq!(notice(&stored, &tenant, None, Language::En, None).step, None);
        }
    }
}
