//! Plain files of a measurement server: paths that tell how many bytes they lead to.
//!
//! `/download/dataset-<N>k.zip` is a file of N thousand bytes.

/// Beginning of every path.
pub const FILES_PREFIX: &str = "/download/";
const NAME: &str = "dataset-";
const ENDING: &str = "k.zip";
/// Largest file, thousands of bytes.
const SIZE_MAX_K: u64 = 16_000;

/// The path of a file of so many bytes, rounded up to thousands.
#[must_use]
pub fn file_path(bytes: u64) -> String {
    let thousands = bytes.div_ceil(1_000);
    format!("{FILES_PREFIX}{NAME}{thousands}{ENDING}")
}

/// How many bytes a path leads to; `None` for every other path.
#[must_use]
pub fn file_size(path: &str) -> Option<u64> {
    let name = path.strip_prefix(FILES_PREFIX)?.strip_prefix(NAME)?;
    let digits = name.strip_suffix(ENDING)?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let thousands: u64 = digits.parse().ok().filter(|_| is_number)?;
    (1..=SIZE_MAX_K)
        .contains(&thousands)
        .then(|| thousands * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_that_is_no_file_has_no_size() {
        for path in [
            "/download/",
            "/download/dataset-k.zip",
            "/download/dataset-0k.zip",
            "/download/dataset-+5k.zip",
            "/download/dataset-16001k.zip",
            "/download/dataset-99999999999999999999k.zip",
            "/other/dataset-5k.zip",
        ] {
            assert_eq!(file_size(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_size_reads_back(thousands in 1..=SIZE_MAX_K) {
            prop_assert_eq!(file_size(&file_path(thousands * 1_000)), Some(thousands * 1_000));
        }

        #[test]
        fn any_path_is_read_without_panic(path in "(/download/)?(dataset-)?[0-9a-z.+]{0,30}") {
            if let Some(bytes) = file_size(&path) {
                prop_assert!((1_000..=SIZE_MAX_K * 1_000).contains(&bytes));
            }
        }
    }
}
