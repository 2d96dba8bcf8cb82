//! What a reader of the national page chose to see: a metric, an access class and a month.
use crate::labels;
use tonle_evidence::catalogue::Catalogue;
use tonle_evidence::local_time::LocalMonth;
use tonle_evidence::statement::{Access, State, Statement};

/// A choice that can be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Full metric id.
    pub metric: String,
    /// Access class.
    pub access: Access,
    /// The month.
    pub period: LocalMonth,
}

/// A choice that cannot be shown; the parameter's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the parameter '{0}' names nothing that is known here")]
pub struct NotKnown(pub &'static str);

/// The month asked for, else `default`. Months after `this_month` are not known yet.
pub fn period(
    asked: Option<&str>,
    default: LocalMonth,
    this_month: LocalMonth,
) -> Result<LocalMonth, NotKnown> {
    let Some(asked) = asked else {
        return Ok(default.min(this_month));
    };
    let month: LocalMonth = asked.parse().map_err(|_| NotKnown("period"))?;
    if month > this_month {
        return Err(NotKnown("period"));
    }
    Ok(month)
}

impl Selection {
    /// What was asked for; where nothing was, what has the most to show this month.
    ///
    /// `statements` are those of the month; a cell without one has no data.
    pub fn choose(
        asked_metric: Option<&str>,
        asked_access: Option<&str>,
        period: LocalMonth,
        catalogue: &Catalogue,
        statements: &[Statement],
    ) -> Result<Self, NotKnown> {
        let access = asked_access.map(access_of).transpose()?;
        let metric = asked_metric
            .map(|id| {
                let known = catalogue.get(id).map(|_| id.to_owned());
                known.ok_or(NotKnown("metric"))
            })
            .transpose()?;
        let fits = |statement: &&Statement| {
            has_data(statement)
                && access.is_none_or(|access| statement.access == access)
                && metric
                    .as_ref()
                    .is_none_or(|metric| statement.metric == *metric)
        };
        let with_data: Vec<&Statement> = statements.iter().filter(fits).collect();
        let access = access.unwrap_or_else(|| {
            most_frequent(Access::ALL, |access| {
                count(&with_data, |statement| statement.access == *access)
            })
            .expect("there are access classes")
        });
        let metric = match metric {
            Some(metric) => metric,
            None => most_frequent(headline_ids(catalogue), |id| {
                count(&with_data, |statement| {
                    statement.metric == *id && statement.access == access
                })
            })
            .ok_or(NotKnown("metric"))?
            .to_owned(),
        };
        Ok(Self {
            metric,
            access,
            period,
        })
    }
}

/// For every headline metric the variant that goes with the selected one: the selected metric
/// itself; else the one that shares most words with it, of these the one with most to show, of
/// these the first.
#[must_use]
pub fn overview_metrics<'a>(
    selection: &Selection,
    catalogue: &'a Catalogue,
    statements: &[Statement],
) -> Vec<&'a str> {
    let shown: Vec<&Statement> = statements
        .iter()
        .filter(|statement| statement.access == selection.access && has_data(statement))
        .collect();
    let wanted: Vec<&str> = labels::variants(&selection.metric).collect();
    let rank = |id: &&str| {
        let itself = *id == selection.metric;
        let shared = labels::variants(id)
            .filter(|word| wanted.contains(word))
            .count();
        let amount = count(&shown, |statement| statement.metric == **id);
        (itself, shared, amount)
    };
    let headlines = catalogue.metrics().iter().filter(|metric| metric.headline);
    headlines
        .filter_map(|headline| {
            let ids = catalogue
                .iter()
                .filter(|(_, metric)| metric.base == headline.base);
            most_frequent(ids.map(|(id, _)| id), rank)
        })
        .collect()
}

/// Full ids of the headline metrics, in the order of the catalogue.
#[must_use]
pub fn headline_ids(catalogue: &Catalogue) -> Vec<&str> {
    let headlines = catalogue.metrics().iter().filter(|metric| metric.headline);
    headlines
        .flat_map(|headline| {
            let of_base = catalogue
                .iter()
                .filter(|(_, metric)| metric.base == headline.base);
            of_base.map(|(id, _)| id)
        })
        .collect()
}

pub(crate) fn has_data(statement: &Statement) -> bool {
    statement.state != State::NoData
}

fn access_of(word: &str) -> Result<Access, NotKnown> {
    let mut all = Access::ALL.into_iter();
    all.find(|access| access.as_str() == word)
        .ok_or(NotKnown("access"))
}

fn count(statements: &[&Statement], rule: impl Fn(&Statement) -> bool) -> usize {
    statements
        .iter()
        .filter(|statement| rule(statement))
        .count()
}

/// The item of the highest rank, the first of equals.
fn most_frequent<T, R: Ord>(
    items: impl IntoIterator<Item = T>,
    rank: impl Fn(&T) -> R,
) -> Option<T> {
    let mut best: Option<(T, R)> = None;
    for item in items {
        let rank = rank(&item);
        if best.as_ref().is_none_or(|(_, highest)| rank > *highest) {
            best = Some((item, rank));
        }
    }
    best.map(|(item, _)| item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{catalogue, month, statements};

    const DNS: &str = "dns.resolution_us/public";

    fn one(metric: &str, access: Access) -> Statement {
        Statement {
            metric: metric.to_owned(),
            access,
            state: State::Suppressed,
            ..statements()[0].clone()
        }
    }

    #[test]
    fn without_a_wish_the_view_with_most_data_is_shown() {
        let statements = [one(DNS, Access::Unknown), one(DNS, Access::Unknown)];
        let chosen = Selection::choose(None, None, month(), &catalogue(), &statements).unwrap();
        assert_eq!(
            (chosen.metric.as_str(), chosen.access),
            (DNS, Access::Unknown)
        );
    }

    #[test]
    fn a_wish_is_shown_even_where_there_is_no_data() {
        let asked = Selection::choose(Some(DNS), Some("fixed"), month(), &catalogue(), &[]);
        assert_eq!(asked.unwrap().access, Access::Fixed);
    }

    #[test]
    fn unknown_words_are_named() {
        let choose = |metric, access| Selection::choose(metric, access, month(), &catalogue(), &[]);
        assert_eq!(choose(Some("x"), None), Err(NotKnown("metric")));
        assert_eq!(choose(None, Some("x")), Err(NotKnown("access")));
        assert_eq!(
            period(Some("2026-13"), month(), month()),
            Err(NotKnown("period"))
        );
        assert_eq!(
            period(Some("2027-01"), month(), month()),
            Err(NotKnown("period"))
        );
    }

    #[test]
    fn columns_go_with_the_path_of_the_selected_metric() {
        let selection = Selection {
            metric: "latency.rtt_median_us/tcp/abroad".to_owned(),
            access: Access::Fixed,
            period: month(),
        };
        let catalogue = catalogue();
        let columns = overview_metrics(&selection, &catalogue, &[]);
        assert!(columns.contains(&"latency.rtt_median_us/tcp/abroad"));
        assert!(columns.contains(&"latency.loss_ppm/tcp/abroad"));
        assert!(columns.contains(&"web.setup_us/abroad"));
    }
}
