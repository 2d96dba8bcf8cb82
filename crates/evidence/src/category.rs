//! Categories of sites: the codes of the Citizen Lab URL lists, and which of them nobody measures
//! without having switched them on.
use crate::word_list::word_list;
use serde::{Deserialize, Serialize};

word_list! {
    /// What a site is about (citizenlab/test-lists, `lists/00-LEGEND-new_category_codes.csv`).
    Category {
        /// Alcohol and drugs.
        AlcoholAndDrugs = "ALDR",
        /// Religion.
        Religion = "REL",
        /// Pornography.
        Pornography = "PORN",
        /// Provocative attire.
        ProvocativeAttire = "PROV",
        /// Political criticism.
        PoliticalCriticism = "POLR",
        /// Human rights.
        HumanRights = "HUMR",
        /// Environment.
        Environment = "ENV",
        /// Terrorism and militants.
        Militants = "MILX",
        /// Hate speech.
        HateSpeech = "HATE",
        /// News media.
        News = "NEWS",
        /// Sex education.
        SexEducation = "XED",
        /// Public health.
        PublicHealth = "PUBH",
        /// Gambling.
        Gambling = "GMB",
        /// Anonymisation and circumvention.
        Anonymisation = "ANON",
        /// Online dating.
        Dating = "DATE",
        /// Social networking.
        SocialNetworking = "GRP",
        /// Lesbian, gay, bisexual and transgender people.
        Lgbt = "LGBT",
        /// File sharing.
        FileSharing = "FILE",
        /// Hacking tools.
        Hacking = "HACK",
        /// Communication tools.
        CommunicationTools = "COMT",
        /// Media sharing.
        MediaSharing = "MMED",
        /// Hosting and blogging platforms.
        Hosting = "HOST",
        /// Search engines.
        Search = "SRCH",
        /// Gaming.
        Gaming = "GAME",
        /// Culture.
        Culture = "CULTR",
        /// Economics.
        Economics = "ECON",
        /// Government.
        Government = "GOVT",
        /// Trade.
        Commerce = "COMM",
        /// Innocuous content used as a control.
        Control = "CTRL",
        /// Intergovernmental organisations.
        Intergovernmental = "IGO",
        /// What fits no other.
        Miscellaneous = "MISC",
    }
}

impl Category {
    /// True for what may itself be outlawed, or harm the person from whose line it is opened
    /// whatever he thinks of it: never contacted unless that person switched it on.
    #[must_use]
    pub fn is_sensitive(self) -> bool {
        matches!(
            self,
            Self::AlcoholAndDrugs
                | Self::Gambling
                | Self::Hacking
                | Self::HateSpeech
                | Self::Militants
                | Self::Pornography
                | Self::ProvocativeAttire
        )
    }

    /// True for what cannot be switched off: without known-good sites nothing can be said of others.
    #[must_use]
    pub fn is_always_on(self) -> bool {
        self == Self::Control
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_the_31_codes_of_the_lists_each_once() {
        let codes: std::collections::BTreeSet<&str> =
            Category::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(codes.len(), 31);
        assert_eq!("PORN".parse(), Ok(Category::Pornography));
        assert!("porn".parse::<Category>().is_err());
    }

    #[test]
    fn controls_are_never_sensitive() {
        assert!(!Category::Control.is_sensitive() && Category::Pornography.is_sensitive());
        let fixed: Vec<_> = Category::ALL
            .iter()
            .filter(|one| one.is_always_on())
            .collect();
        assert_eq!(fixed, [&Category::Control]);
    }
}
