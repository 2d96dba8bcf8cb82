//! The command line as a person meets it: help, and what misuse and missing things say.
#[test]
fn help_and_errors_read_as_they_are_kept() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
