//! The fingerprint of RSA keys that Infineon's library made (CVE-2017-15361, "ROCA"): who has the public key finds the
//! private one.
//!
//! Its primes are `k·M + (65537^a mod M)`, where `M` is the product of the first primes. So a modulus is a power of 65537
//! modulo `M` as well, hence modulo each small prime, and with one exponent for all of them. A modulus that is not of this
//! library's making is so by chance once in 2^154 (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017,
//! section 3.2). No kept library for this was found.

const GENERATOR: u32 = 65_537;

/// The primes of which `M` is the product for keys of every size.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Whether a modulus, big-endian, has the fingerprint.
pub(super) fn is_weak(modulus: &[u8]) -> bool {
    let mut logarithms: Vec<(u32, u32)> = Vec::with_capacity(PRIMES.len());
    for prime in PRIMES {
        let Some((exponent, order)) = logarithm(remainder(modulus, prime), prime) else { return false };
        // The exponents must be those of one number: they agree wherever two orders have a divisor in common.
        let agrees = |&(other, others): &(u32, u32)| exponent.abs_diff(other).is_multiple_of(divisor(order, others));
        if !logarithms.iter().all(agrees) {
            return false;
        }
        logarithms.push((exponent, order));
    }
    true
}

fn remainder(number: &[u8], prime: u32) -> u32 {
    number.iter().fold(0, |remainder, byte| (remainder * 256 + u32::from(*byte)) % prime)
}

/// The exponent with which the generator gives this modulo a prime, and the generator's order; none if none does.
fn logarithm(wanted: u32, prime: u32) -> Option<(u32, u32)> {
    let (mut power, mut order, mut found) = (1, 0, None);
    loop {
        if power == wanted {
            found = Some(order);
        }
        power = power * (GENERATOR % prime) % prime;
        order += 1;
        if power == 1 {
            return found.map(|exponent| (exponent, order));
        }
    }
}

/// The greatest common divisor.
fn divisor(mut one: u32, mut other: u32) -> u32 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}
