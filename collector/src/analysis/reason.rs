//! Why a record, or one of its samples, enters no cell. It stays in the journal all the same.

macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every reason, in the order in which the rules ask.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word as it is stored and shown to the device's owner.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

reasons! {
    /// Why a whole record enters no cell.
    NoCell {
        /// Not signed by an enrolled agent (imported, from a browser, or synthetic).
        NotSigned = "not_signed",
        /// Written by a newer version than this program reads.
        NewerVersion = "newer_version",
        /// Its halves cannot be read as this version writes them.
        Unreadable = "unreadable",
        /// Of a kind that is stored only.
        UnknownKind = "unknown_kind",
        /// A value is outside what is physically plausible.
        Implausible = "implausible",
        /// Of another country than the one published here.
        OtherCountry = "other_country",
        /// The country has no such province.
        UnknownProvince = "unknown_province",
        /// The network changed since the volunteer said where the device stands.
        UnconfirmedProvince = "unconfirmed_province",
        /// The clock was not synchronised and its offset is not known: the hour is not known.
        ClockNotKnown = "clock_not_known",
        /// By the corrected clock it began after it was received.
        Future = "future",
    }
}

reasons! {
    /// Why one sample enters no cell while others of its record may.
    LeftOut {
        /// No such metric is declared.
        Undeclared = "undeclared",
        /// The unit is not the declared one.
        WrongUnit = "wrong_unit",
        /// Below zero or above the declared maximum.
        OutOfRange = "out_of_range",
        /// Something else than the line held the result back.
        NotLimitedByLine = "not_limited_by_line",
        /// Nobody knows what held the result back.
        LimitNotKnown = "limit_not_known",
        /// Others used the line meanwhile, so the run had only a part of it.
        BusyLine = "busy_line",
    }
}
