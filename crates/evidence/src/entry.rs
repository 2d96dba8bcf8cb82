//! How the collector keeps things: one gapless sequence of typed entries.
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

macro_rules! stored_word {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every word of the list, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word as it is stored and published.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownWord(text.to_owned())),
                }
            }
        }
    };
}

/// A stored word that this program does not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("unknown word '{0}' in a stored entry")]
pub struct UnknownWord(String);

stored_word! {
    /// What an entry is.
    EntryKind {
        /// A signed record.
        Record = "record",
        /// An agent joined.
        Enrolment = "enrolment",
        /// A key is no longer accepted from a stated time on.
        Revocation = "revocation",
        /// A measurement of an OONI client, byte for byte, signed by nobody.
        OoniMeasurement = "ooni_measurement",
    }
}

stored_word! {
    /// How well the agent is known.
    Tier {
        /// Run by a named institution.
        Institutional = "institutional",
        /// Known to whoever invited it.
        Vetted = "vetted",
        /// Anyone.
        Unvetted = "unvetted",
    }
}

stored_word! {
    /// Where the entry came from. Never mixed with another in one figure.
    Provenance {
        /// Signed by an enrolled agent.
        Signed = "signed",
        /// Made by an OONI client: imported, or submitted by it.
        Ooni = "ooni",
        /// A browser test.
        Browser = "browser",
        /// Made by a program, not measured.
        Synthetic = "synthetic",
    }
}

stored_word! {
    /// What the checks at intake found. Facts beside the record, never reasons to refuse it.
    Mark {
        /// Arrived more than an hour after it was measured.
        Late = "late",
        /// Claims a time more than five minutes in the future.
        Future = "future",
        /// Another record has the same key, chain and sequence.
        Equivocation = "equivocation",
        /// Its type or schema is newer than this program.
        NewerVersion = "newer_version",
        /// Its kind is not one that this program aggregates.
        UnknownKind = "unknown_kind",
        /// A value is outside what is physically plausible.
        Implausible = "implausible",
    }
}
