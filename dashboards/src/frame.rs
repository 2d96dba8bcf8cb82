//! What every page shares: head, language switch, links, footer.
use crate::address::{Address, segment};
use crate::assets;
use crate::language::Visit;
use crate::text::Text;
use tonle_evidence::words::Lang;

/// The frame of one page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Strings in the reader's language.
    pub text: Text,
    /// What the page is called.
    pub title: String,
    /// A page for one person: search engines keep out, and no interface is advertised.
    pub private: bool,
    visit: Visit,
    here: Address,
}

/// The page in another language.
pub(crate) struct Alternate {
    pub(crate) tag: &'static str,
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
}

impl Frame {
    /// The frame of the page at `path` (without the base), with the query that makes its view.
    #[must_use]
    pub fn new(visit: &Visit, path: &str, query: &[(&str, &str)], title: String) -> Self {
        let start = Address::new(format!("{}{path}", visit.base));
        let here = query
            .iter()
            .fold(start, |address, (name, value)| address.with(name, value));
        Self {
            text: Text::new(visit.lang),
            title,
            private: false,
            visit: visit.clone(),
            here,
        }
    }

    /// The same frame for a page that one person sees.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Whether what is shown was made by a program.
    pub(crate) fn is_synthetic(&self) -> bool {
        self.visit.synthetic
    }

    pub(crate) fn lang(&self) -> &'static str {
        self.visit.lang.tag()
    }

    /// The language as a hidden field of forms, when the reader chose it.
    pub(crate) fn chosen_lang(&self) -> Option<&'static str> {
        self.visit.chosen.then(|| self.lang())
    }

    pub(crate) fn stylesheet(&self) -> String {
        format!("{}/assets/{}", self.visit.base, assets::stylesheet().name)
    }

    pub(crate) fn icon(&self) -> String {
        format!("{}/assets/{}", self.visit.base, assets::icon().name)
    }

    pub(crate) fn api(&self) -> String {
        format!("{}/api/v1/openapi.json", self.visit.base)
    }

    pub(crate) fn lists(&self) -> Address {
        self.link("/lists")
    }

    pub(crate) fn alternates(&self) -> Vec<Alternate> {
        let names = [("English", Lang::En), ("ខ្មែរ", Lang::Km)];
        let alternate = |(name, lang): (&'static str, Lang)| Alternate {
            tag: lang.tag(),
            name,
            href: self.here.clone().with("lang", lang.tag()).to_string(),
            current: lang == self.visit.lang,
        };
        names.map(alternate).into()
    }

    /// An address of ours that keeps the chosen language.
    #[must_use]
    pub fn link(&self, path: &str) -> Address {
        let address = Address::new(format!("{}{path}", self.visit.base));
        match self.chosen_lang() {
            Some(tag) => address.with("lang", tag),
            None => address,
        }
    }

    /// The national page.
    pub(crate) fn home(&self) -> Address {
        self.link("/")
    }

    /// A province's page.
    #[must_use]
    pub fn province(&self, code: &str) -> Address {
        self.link(&format!("/provinces/{}", segment(code)))
    }

    /// The page of a province's figures month by month.
    #[must_use]
    pub(crate) fn trend(&self, code: &str) -> Address {
        self.link(&format!("/provinces/{}/trend", segment(code)))
    }

    /// An address of the JSON interface, which knows no language.
    #[must_use]
    pub fn data(&self, path: &str) -> Address {
        Address::new(format!("{}{path}", self.visit.base))
    }
}
