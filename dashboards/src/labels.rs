//! Names of metrics: the catalogue's label, and words for what must not be pooled.
use crate::text::Text;
use tonle_evidence::catalogue::Catalogue;

/// A metric as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// What is measured.
    pub name: String,
    /// How and over which path, empty when the metric has no variants.
    pub variant: String,
}

impl Label {
    /// Name and variant in one line.
    #[must_use]
    pub fn full(&self) -> String {
        if self.variant.is_empty() {
            self.name.clone()
        } else {
            format!("{} ({})", self.name, self.variant)
        }
    }
}

/// The label of a full metric id; an id that the catalogue lacks is its own label.
#[must_use]
pub fn label(catalogue: &Catalogue, id: &str, text: Text) -> Label {
    let variant: Vec<String> = variants(id)
        .map(|word| text.known("variant", word))
        .collect();
    let name = match catalogue.get(id) {
        Some(metric) => text.pick(&metric.en, &metric.km).to_owned(),
        None => base(id).to_owned(),
    };
    Label {
        name,
        variant: variant.join(", "),
    }
}

/// The part of an id that names what is measured.
#[must_use]
pub fn base(id: &str) -> &str {
    id.split('/').next().unwrap_or(id)
}

/// The parts of an id that name what must not be pooled.
pub fn variants(id: &str) -> impl Iterator<Item = &str> {
    id.split('/').skip(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::catalogue;
    use tonle_evidence::words::Lang;

    #[test]
    fn a_label_says_what_and_how() {
        let id = "latency.rtt_median_us/icmp/domestic";
        let label = label(&catalogue(), id, Text::new(Lang::En));
        assert_eq!(label.variant, "ICMP echo, inside the country");
        assert!(label.full().ends_with("(ICMP echo, inside the country)"));
    }

    #[test]
    fn an_undeclared_metric_is_shown_by_its_id() {
        let label = label(&catalogue(), "new.thing_us/icmp", Text::new(Lang::En));
        assert_eq!(label.full(), "new.thing_us (ICMP echo)");
    }
}
