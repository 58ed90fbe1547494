//! The mailer against a mail server of every kind.

use std::time::Duration;

use dezky::{
    connectors::smtp::{SmtpMailer, SmtpSettings},
    context::RequestContext,
    emulators::smtp::{SmtpFault, SmtpOptions, SmtpSink, SmtpTls},
    mail::{MailError, Mailer as _, Message, Rendered},
    outbound::{CertificateAuthorities, Url},
};

fn message() -> Message {
    let content =
        Rendered { subject: "Hello".to_owned(), text: ".\r\nHello\n".to_owned(), html: "<p>Hello".to_owned() };
    Message {
        from_name: "Acme".to_owned(),
        to_name: None,
        to: "anna@example.eu".to_owned(),
        content,
        id: "1.1".to_owned(),
        return_to: None,
    }
}

async fn sink(tls: SmtpTls, credentials: Option<(&str, &str)>) -> SmtpSink {
    let credentials = credentials.map(|(user, password)| (user.to_owned(), password.to_owned()));
    SmtpSink::start(SmtpOptions { tls, credentials, ..SmtpOptions::default() }).await.unwrap()
}

fn settings(sink: &SmtpSink) -> SmtpSettings {
    let mut settings = SmtpSettings::new(Url::parse(&sink.url()).unwrap(), "dezky@dezky.eu");
    if let Some(authority) = sink.authority() {
        settings.authorities = CertificateAuthorities::from_pem(authority.as_bytes()).unwrap();
    }
    settings.timeout = Duration::from_secs(5);
    settings
}

async fn sent(settings: &SmtpSettings) -> Result<(), MailError> {
    SmtpMailer::new(settings).unwrap().send(&RequestContext::fresh(), &message()).await
}

fn waits(outcome: &Result<(), MailError>) -> &str {
    match outcome {
        Err(MailError::Unavailable { why }) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_over_every_kind_of_connection() {
    for tls in [SmtpTls::None, SmtpTls::StartTls, SmtpTls::Implicit] {
        let sink = sink(tls, Some(("dezky", "secret"))).await;
        let mut settings = settings(&sink);
        settings.credentials = Some(("dezky".to_owned(), "secret".to_owned()));
        SmtpMailer::new(&settings).unwrap().check().await.unwrap();
        assert!(sink.delivered().is_empty(), "a check sends nothing");
        sent(&settings).await.unwrap();
        let mail = sink.delivered().remove(0);
        assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("dezky@dezky.eu", &["anna@example.eu".to_owned()][..]));
        assert_eq!(mail.part("text/plain").unwrap().trim_end(), ".\r\nHello");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_nothing_is_sent_unless_the_scheme_says_so() {
    let plain = sink(SmtpTls::None, Some(("dezky", "secret"))).await;
    for scheme in ["smtps", "smtp+starttls"] {
        let url = plain.url().replace("smtp://", &format!("{scheme}://"));
        let mut settings = SmtpSettings::new(Url::parse(&url).unwrap(), "dezky@dezky.eu");
        settings.credentials = Some(("dezky".to_owned(), "secret".to_owned()));
        settings.timeout = Duration::from_secs(5);
        assert!(sent(&settings).await.is_err(), "{scheme}");
    }
    assert!(plain.delivered().is_empty());
    // Nor to a server whose certificate nobody vouches for.
    let stranger = sink(SmtpTls::StartTls, None).await;
    let settings = SmtpSettings::new(Url::parse(&stranger.url()).unwrap(), "dezky@dezky.eu");
    waits(&sent(&settings).await);
    assert!(stranger.delivered().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_good_differs_from_one_for_now() {
    let sink = sink(SmtpTls::None, None).await;
    let settings = settings(&sink);
    sink.set_fault(Some(SmtpFault::RefuseReceiver));
    let refused = MailError::Refused { why: "550 5.1.1 no such user here".to_owned() };
    assert_eq!(sent(&settings).await, Err(refused));
    sink.set_fault(Some(SmtpFault::Later));
    assert!(waits(&sent(&settings).await).contains("451 4.7.1 greylisted"));
    for fault in [SmtpFault::Closed, SmtpFault::Cut] {
        sink.set_fault(Some(fault));
        waits(&sent(&settings).await);
    }
    sink.set_fault(Some(SmtpFault::Silent));
    let hasty = SmtpSettings { timeout: Duration::from_millis(50), ..settings.clone() };
    waits(&sent(&hasty).await);
    let gone = settings.clone();
    drop(sink);
    waits(&sent(&gone).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_credential_fails_no_mail_and_is_not_told() {
    let sink = sink(SmtpTls::None, Some(("dezky", "secret"))).await;
    let mut settings = settings(&sink);
    settings.credentials = Some(("dezky".to_owned(), "wrong-password".to_owned()));
    let outcome = sent(&settings).await;
    assert!(waits(&outcome).contains("535 5.7.8"), "{outcome:?}");
    assert!(!format!("{outcome:?} {settings:?} {:?}", SmtpMailer::new(&settings).unwrap()).contains("wrong-password"));
    settings.credentials = None;
    waits(&sent(&settings).await);
}
