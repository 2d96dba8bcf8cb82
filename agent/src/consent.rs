//! What the volunteer allowed, with the version of the text.
