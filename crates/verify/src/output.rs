//! The only place of the verifier that prints: results to standard output, errors to standard error.

/// Prints a result.
#[expect(clippy::print_stdout, reason = "the result is what the command is for")]
pub(crate) fn result(text: &str) {
    print!("{text}");
}

/// Prints the one line that says what went wrong.
#[expect(
    clippy::print_stderr,
    reason = "a person reads why nothing was checked"
)]
pub(crate) fn error(text: &str) {
    eprintln!("error: {text}");
}
