//! The mail server that the platform's own mail goes through, over SMTP (RFC 5321).

use std::{fmt, time::Duration};

use async_trait::async_trait;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport as _, Message as Composed, Tokio1Executor,
    address::Envelope,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error as SmtpError,
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use tokio::time::timeout;

use crate::{
    context::RequestContext,
    error::{Code, Error, Result},
    mail::{MailError, Mailer, Message, one_line},
    outbound::{CertificateAuthorities, Url},
};

/// Time limit for one message, with everything around it.
const LONGEST: Duration = Duration::from_secs(60);

/// Replies that concern the credential, and so no message: authentication is required, too weak, or refused (RFC 4954).
const OF_CREDENTIALS: [u16; 4] = [530, 534, 535, 538];

/// Encryption of the connection, as the scheme of the URL says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpSecurity {
    /// `smtps://`: TLS from the first byte (RFC 8314).
    Tls,
    /// `smtp+starttls://`: TLS by `STARTTLS`, and nothing without it.
    StartTls,
    /// `smtp://`: none, for a server beside this process.
    Plain,
}

impl SmtpSecurity {
    /// Returns the security of a scheme, and its port where none is named.
    #[must_use]
    pub fn of_scheme(scheme: &str) -> Option<(Self, u16)> {
        match scheme {
            "smtps" => Some((Self::Tls, 465)),
            "smtp+starttls" => Some((Self::StartTls, 587)),
            "smtp" => Some((Self::Plain, 25)),
            _ => None,
        }
    }
}

/// Settings of a mail server.
#[derive(Clone)]
pub struct SmtpSettings {
    /// Its URL: a scheme of [`SmtpSecurity`], a host and perhaps a port.
    pub url: Url,
    /// User and password, if it asks for them.
    pub credentials: Option<(String, String)>,
    /// Address that mail is from.
    pub from: String,
    /// Certificate authorities besides the system's.
    pub authorities: CertificateAuthorities,
    /// Time limit for one step of the exchange. Default: 20 s.
    pub timeout: Duration,
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SmtpSettings")
            .field("url", &self.url.as_str())
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl SmtpSettings {
    /// Creates the settings of a server that asks for no credentials.
    pub fn new(url: Url, from: impl Into<String>) -> Self {
        let authorities = CertificateAuthorities::default();
        Self { url, credentials: None, from: from.into(), authorities, timeout: Duration::from_secs(20) }
    }
}

/// A mailer over SMTP, with a connection for each message.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
    sender: String,
    host: String,
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SmtpMailer")
            .field("host", &self.host)
            .field("from", &self.sender)
            .finish_non_exhaustive()
    }
}

impl SmtpMailer {
    /// Creates a mailer. Nothing is connected before it is used.
    ///
    /// # Errors
    /// Kind `Configuration` when the URL, the address or a certificate cannot be used.
    pub fn new(settings: &SmtpSettings) -> Result<Self> {
        let refuse = |message: String| Error::new(Code::INVALID_SETTING, message);
        let host = settings.url.host_str().filter(|host| !host.is_empty());
        let security = SmtpSecurity::of_scheme(settings.url.scheme());
        let (Some(host), Some((security, port))) = (host, security) else {
            return Err(refuse(
                "must begin with `smtps://`, `smtp+starttls://` or `smtp://`, and name a host".to_owned(),
            ));
        };
        let from: Address = settings
            .from
            .parse()
            .map_err(|error| refuse(format!("the address of the sender cannot be used: {error}")))?;
        let tls = || -> Result<TlsParameters> {
            let unusable = |error: SmtpError| refuse("TLS cannot be set up".to_owned()).with_source(error);
            let mut parameters = TlsParameters::builder(host.trim_matches(['[', ']']).to_owned());
            if !settings.authorities.pem().is_empty() {
                parameters = parameters
                    .add_root_certificate(Certificate::from_pem(settings.authorities.pem()).map_err(unusable)?);
            }
            parameters.build_rustls().map_err(unusable)
        };
        let tls = match security {
            SmtpSecurity::Tls => Tls::Wrapper(tls()?),
            SmtpSecurity::StartTls => Tls::Required(tls()?),
            SmtpSecurity::Plain => Tls::None,
        };
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.url.port().unwrap_or(port))
            .hello_name(ClientId::Domain(from.domain().to_owned()))
            .timeout(Some(settings.timeout))
            .tls(tls);
        if let Some((user, password)) = &settings.credentials {
            transport = transport.credentials(Credentials::new(user.clone(), password.clone()));
        }
        Ok(Self { transport: transport.build(), sender: from.to_string(), from, host: host.to_owned() })
    }

    /// Returns the message with its headers, and its envelope.
    fn compose(&self, message: &Message) -> std::result::Result<(Envelope, Vec<u8>), MailError> {
        let unusable = |address: &str| MailError::Refused { why: one_line(&format!("`{address}` is no address")) };
        let to: Address = message.to.parse().map_err(|_| unusable(&message.to))?;
        let return_to = match &message.return_to {
            Some(address) => address.parse().map_err(|_| unusable(address))?,
            None => self.from.clone(),
        };
        let broken = |error: &dyn fmt::Display| MailError::Refused {
            why: one_line(&format!("the mail cannot be written: {error}")),
        };
        let envelope = Envelope::new(Some(return_to), vec![to.clone()]).map_err(|error| broken(&error))?;
        let content = MultiPart::alternative_plain_html(message.content.text.clone(), message.content.html.clone());
        let composed = Composed::builder()
            .from(Mailbox::new(Some(one_line(&message.from_name)), self.from.clone()))
            .to(Mailbox::new(message.to_name.as_deref().map(one_line), to))
            .subject(one_line(&message.content.subject))
            .message_id(Some(format!("<{}@{}>", message.id, self.from.domain())))
            .date_now()
            .header(Automatic)
            .multipart(content)
            .map_err(|error| broken(&error))?;
        Ok((envelope, composed.formatted()))
    }

    fn timed_out(&self) -> MailError {
        MailError::Unavailable { why: format!("the mail server `{}` did not answer in time", self.host) }
    }

    fn failure(&self, error: &SmtpError) -> MailError {
        let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_else(|| error.to_string());
        let code: Option<u16> = error.status().map(Into::into);
        let answer = code.map_or_else(|| one_line(&said), |code| one_line(&format!("{code} {said}")));
        if code.is_some_and(|code| OF_CREDENTIALS.contains(&code)) {
            let why = format!("the mail server `{}` refuses the platform's credential: {answer}", self.host);
            return MailError::Unavailable { why };
        }
        if error.is_permanent() {
            return MailError::Refused { why: answer };
        }
        // Such as an address that needs an extension that the server does not have.
        if error.is_client() {
            return MailError::Refused {
                why: one_line(&format!("the mail server `{}` cannot be given this mail: {said}", self.host)),
            };
        }
        MailError::Unavailable { why: one_line(&format!("the mail server `{}`: {answer}", self.host)) }
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, context: &RequestContext, message: &Message) -> std::result::Result<(), MailError> {
        let (envelope, bytes) = self.compose(message)?;
        let sending = self.transport.send_raw(&envelope, &bytes);
        match timeout(LONGEST.min(context.remaining()), sending).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_) => Err(self.timed_out()),
        }
    }

    async fn check(&self) -> std::result::Result<(), MailError> {
        match timeout(LONGEST, self.transport.test_connection()).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => {
                Err(MailError::Unavailable { why: format!("the mail server `{}` ended the connection", self.host) })
            }
            Ok(Err(error)) => Err(self.failure(&error)),
            Err(_) => Err(self.timed_out()),
        }
    }

    fn sender(&self) -> &str {
        &self.sender
    }
}

/// `Auto-Submitted: auto-generated` (RFC 3834), so that nobody's absence is announced to the platform.
#[derive(Debug, Clone, Copy)]
struct Automatic;

impl Header for Automatic {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::{SmtpMailer, SmtpSettings};
    use crate::{
        domain::fields,
        mail::{Message, Rendered},
        outbound::Url,
    };

    fn message(to: &str, name: &str) -> Message {
        let content = Rendered { subject: name.to_owned(), text: name.to_owned(), html: name.to_owned() };
        Message {
            from_name: name.to_owned(),
            to_name: Some(name.to_owned()),
            to: to.to_owned(),
            content,
            id: "1.1".to_owned(),
            return_to: None,
        }
    }

    fn names(bytes: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap_or_default().to_owned();
        let fields = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        fields.map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
    }

    proptest! {
        #[test]
        fn no_name_and_no_address_adds_a_header_field(name in any::<String>(), local in "[a-zé\r\n:<>@ ,;\"]{1,20}") {
            let mailer = SmtpMailer::new(&SmtpSettings::new(Url::parse("smtp://127.0.0.1").unwrap(), "dezky@example.eu")).unwrap();
            let (_, plain) = mailer.compose(&message("anna@example.eu", "Anna")).unwrap();
            let (envelope, bytes) = mailer.compose(&message("anna@example.eu", &name)).unwrap();
            prop_assert_eq!(names(&bytes), names(&plain));
            prop_assert_eq!(envelope.to().len(), 1);
            // Addresses that inputs accept are ones that can be mailed to, alone.
            if let Some(address) = fields::email::parse(&format!("{local}@example.eu")) {
                let (envelope, bytes) = mailer.compose(&message(&address, "Anna")).unwrap();
                prop_assert_eq!(names(&bytes), names(&plain));
                prop_assert_eq!(envelope.to().len(), 1);
            }
        }
    }
}
