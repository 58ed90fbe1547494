//! Detection of RSA keys made by Infineon's library (CVE-2017-15361, "ROCA"), which can be factored.
//!
//! Its primes are `k·M + (65537^a mod M)`, where `M` is the product of the first primes. The modulus is therefore a
//! power of 65537 modulo `M` and modulo each small prime, with one exponent for all. Other moduli have this property
//! with probability 2^-154 (Nemec et al., "The Return of Coppersmith's Attack", CCS 2017, section 3.2). No maintained
//! library for this check was found.

const GENERATOR: u32 = 65_537;

/// Prime factors of `M` for keys of every size.
const PRIMES: [u32; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
    113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Returns whether a big-endian modulus has the fingerprint.
pub(super) fn is_weak(modulus: &[u8]) -> bool {
    let mut logarithms: Vec<(u32, u32)> = Vec::with_capacity(PRIMES.len());
    for prime in PRIMES {
        let Some((exponent, order)) = logarithm(remainder(modulus, prime), prime) else { return false };
        // The exponents must belong to one number: they agree modulo each common divisor of two orders.
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

/// Returns the discrete logarithm modulo a prime and the generator's order, if it exists.
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

/// Greatest common divisor.
fn divisor(mut one: u32, mut other: u32) -> u32 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}
