//! The Internet checksum, mended in place when a field changes: right stays right, wrong stays wrong.
//!
//! Source: RFC 1624 section 3, equation 3.

/// The checksum after `old` became `new` in what it covers. Both are of equal, even length and begin
/// at an even place.
pub(super) fn mended(checksum: u16, old: &[u8], new: &[u8]) -> u16 {
    let sum = u32::from(!checksum) + words(old).map(|word| u32::from(!word)).sum::<u32>();
    folded(sum + words(new).map(u32::from).sum::<u32>())
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u16> {
    bytes
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
}

/// The complement of the ones' complement sum.
fn folded(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("folded to 16 bits")
}

#[cfg(test)]
mod tests {
    use super::mended;

    #[test]
    fn the_example_of_rfc_1624() {
        assert_eq!(mended(0xdd2f, &[0x55, 0x55], &[0x32, 0x85]), 0x0000);
    }

    #[test]
    fn an_unchanged_field_leaves_the_checksum() {
        assert_eq!(mended(0x1234, &[1, 2, 3, 4], &[1, 2, 3, 4]), 0x1234);
    }
}
