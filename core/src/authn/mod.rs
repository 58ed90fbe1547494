//! Who is calling: issuers, the token policy, signing keys and verification.
