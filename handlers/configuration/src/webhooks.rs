//! Where webhooks may be sent to.

use dezky::{
    Result,
    outbound::{AllowedAddresses, CertificateAuthorities, OutboundOptions, PlainHttp},
    work::Webhooks,
};

use super::{settings, sources::Sources};

/// Reads whether endpoints for events may be in private networks and on this machine.
pub(super) fn private_addresses(sources: &Sources) -> Result<bool> {
    match sources.find(&settings::WEBHOOKS_PRIVATE_ADDRESSES)? {
        None => Ok(false),
        Some(found) => match found.text.as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(found.refuse(format!("`{}` is neither `true` nor `false`", other.escape_debug()))),
        },
    }
}

/// Creates the sender of webhooks.
pub(super) fn sender(private: bool, extra_ca: Option<&[u8]>) -> Result<Webhooks> {
    let authorities = extra_ca.map(CertificateAuthorities::from_pem).transpose()?.unwrap_or_default();
    let public = OutboundOptions { authorities, ..OutboundOptions::default() };
    Ok(Webhooks::new(if private {
        let addresses = AllowedAddresses::PUBLIC.and_private().and_loopback();
        OutboundOptions { addresses, plain_http: PlainHttp::OnLoopback, ..public }
    } else {
        public
    }))
}
