//! A tenant, its people, and a mail server.

use std::sync::Arc;

use dezky::{
    connectors::smtp::{SmtpMailer, SmtpSettings},
    domain::{
        CreateInvitation, Invitation, InvitationId, InvitationView, Membership, MembershipRole, TenantId, UserId,
    },
    emulators::smtp::{Delivered, SmtpOptions, SmtpSink},
    outbound::Url,
    service::{Call, Service, ServiceSettings},
    store::{Repository as _, SharedStore},
    test_kit::ManualClock,
    work::InvitationMail,
};
use serde_json::{Value, json};

use crate::support::{self, by, grant, person, system, tenant};

/// Address of the portal.
pub(crate) const PORTAL: &str = "https://app.dezky.eu";

/// A tenant `acme` with an owner `olga`, an administrator `adam` and a member `mia`, a mail server, and a stranger `sam`.
pub(crate) struct World {
    pub(crate) store: SharedStore,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Service,
    pub(crate) sink: SmtpSink,
    pub(crate) mail: InvitationMail,
    pub(crate) acme: TenantId,
    pub(crate) olga: UserId,
    pub(crate) adam: UserId,
    pub(crate) mia: UserId,
    pub(crate) sam: UserId,
}

impl World {
    pub(crate) async fn on(store: SharedStore) -> Self {
        Self::with(store, |_| {}).await
    }

    pub(crate) async fn with(store: SharedStore, change: impl FnOnce(&mut ServiceSettings)) -> Self {
        let clock = Arc::new(ManualClock::at_now());
        let mut settings = ServiceSettings::default();
        change(&mut settings);
        let service = Service::new(store.clone(), clock.clone(), settings);
        let sink = SmtpSink::start(SmtpOptions::default()).await.unwrap();
        let mail = mail(&sink, Some("bounces.dezky.eu".to_owned()));
        let acme = tenant(&service, "acme").await;
        let mut people = Vec::new();
        for name in ["olga", "adam", "mia", "sam"] {
            people.push(person(&service, name).await);
        }
        let [olga, adam, mia, sam] = people.try_into().unwrap();
        for (user, role) in
            [(olga, MembershipRole::Owner), (adam, MembershipRole::Admin), (mia, MembershipRole::Member)]
        {
            grant(&service, acme, user, role).await;
        }
        Self { store, clock, service, sink, mail, acme, olga, adam, mia, sam }
    }

    /// Returns a call by a person.
    pub(crate) fn by(&self, subject: &str) -> Call {
        by(&support::token(subject, None, dezky::clock::Clock::now(&*self.clock)))
    }

    /// Invites an address, as the administrator.
    pub(crate) async fn invite(&self, email: &str) -> InvitationView {
        self.invite_as("adam", json!({ "email": email })).await
    }

    pub(crate) async fn invite_as(&self, subject: &str, body: Value) -> InvitationView {
        let input = CreateInvitation::read(body).unwrap();
        self.service.create_invitation(&self.by(subject), &self.acme.into(), input).await.unwrap().value
    }

    /// Mails what waits.
    pub(crate) async fn deliver(&self) -> Vec<Delivered> {
        self.mail.run_due(&self.service).await.unwrap();
        self.sink.delivered()
    }

    /// Mails what waits, and returns the secret of the last mail.
    pub(crate) async fn secret(&self) -> String {
        secret(self.deliver().await.last().unwrap())
    }

    pub(crate) async fn stored(&self, id: InvitationId) -> Invitation {
        self.store.load(&system().context, id).await.unwrap().unwrap()
    }

    pub(crate) async fn membership(&self, user: UserId) -> Option<Membership> {
        self.store.load_unique(&system().context, Membership::key(self.acme, user)).await.unwrap()
    }

    /// Returns the code of the refusal of a secret, or an empty text.
    pub(crate) async fn refusal(&self, subject: &str, secret: &str) -> String {
        let answer = self.service.accept_invitation(&self.by(subject), secret).await;
        answer.err().map(|error| error.code().to_owned()).unwrap_or_default()
    }
}

pub(crate) fn mail(sink: &SmtpSink, bounce_domain: Option<String>) -> InvitationMail {
    let settings = SmtpSettings::new(Url::parse(&sink.url()).unwrap(), "dezky@dezky.eu");
    let mailer = Arc::new(SmtpMailer::new(&settings).unwrap());
    InvitationMail::new(mailer, Url::parse(PORTAL).unwrap(), bounce_domain)
}

pub(crate) fn secret(mail: &Delivered) -> String {
    let link = mail.link().unwrap();
    let secret = link.strip_prefix(&format!("{PORTAL}/invitation#")).expect(&link);
    assert_eq!(secret.len(), 43, "{link}");
    secret.to_owned()
}
