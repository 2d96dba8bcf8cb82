//! The commands as a person meets them: help, wrong input, exit codes.
#[test]
fn commands_say_what_they_do_and_what_is_wrong() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
