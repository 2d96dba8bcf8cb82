//! Draws for resampling: from random bits to places, without a bias that anyone could see.

/// A number below `n` from 64 random bits, all as probable as 64 bits allow (Lemire, *ACM TOMACS* 29,
/// 2019).
pub(super) fn below(n: usize, bits: u64) -> usize {
    let scaled = (u128::from(bits) * n as u128) >> 64;
    usize::try_from(scaled).expect("below n")
}
