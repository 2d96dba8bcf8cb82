//! What the controls are asked about a service: the places of parts that were not reached, and who stands
//! behind names where no certificate says it.
use super::list::{Group, Reach};
use crate::control::Question;
use std::net::{IpAddr, SocketAddr};
use url::Url;

/// Most questions of a run; each goes to every control.
pub(super) const QUESTIONS_MAX: usize = 4;
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// A host of a group, and what came of it.
pub(super) struct Tried<'a> {
    pub(super) group: &'a Group,
    pub(super) host: String,
    pub(super) peers: Vec<SocketAddr>,
    pub(super) is_reached: bool,
}

/// What is asked, the parts taking turns, so that one with many hosts leaves room for the others.
pub(super) fn questions(tried: &[Tried<'_>]) -> Vec<Question> {
    let mut of_parts = of_parts(tried);
    let longest = of_parts.iter().map(Vec::len).max().unwrap_or_default();
    let mut questions = Vec::new();
    for _ in 0..longest {
        let turn = of_parts.iter_mut().filter_map(Vec::pop);
        questions.extend(turn);
    }
    questions.truncate(QUESTIONS_MAX);
    questions
}

/// The questions of every part, the last of each the first to be asked.
fn of_parts(tried: &[Tried<'_>]) -> Vec<Vec<Question>> {
    let mut groups: Vec<&Group> = Vec::new();
    for one in tried {
        if !groups.iter().any(|group| group.id == one.group.id) {
            groups.push(one.group);
        }
    }
    let of = |group: &Group| {
        let its: Vec<&Tried<'_>> = tried
            .iter()
            .filter(|one| one.group.id == group.id)
            .collect();
        of_part(group, &its)
    };
    groups.into_iter().map(of).collect()
}

fn of_part(group: &Group, tried: &[&Tried<'_>]) -> Vec<Question> {
    let (literals, named): (Vec<&Tried<'_>>, Vec<&Tried<'_>>) = tried
        .iter()
        .partition(|one| one.host.parse::<IpAddr>().is_ok());
    if tried.iter().any(|one| one.is_reached) {
        let is_vouched_for = group.reach == Reach::Tls || group.asns.is_empty();
        let reached = named.iter().find(|one| one.is_reached && !is_vouched_for);
        return reached
            .and_then(|one| about(group, one, &[one]))
            .into_iter()
            .collect();
    }
    let mut questions: Vec<Question> = named
        .iter()
        .filter_map(|one| about(group, one, &[one]))
        .collect();
    let addresses = literals
        .first()
        .and_then(|one| about(group, one, &literals));
    questions.extend(addresses);
    questions
}

/// A question about a host at all addresses of `tried`. Of the ports that a page can have all are asked for
/// at once, of others the first.
fn about(group: &Group, host: &Tried<'_>, tried: &[&Tried<'_>]) -> Option<Question> {
    let ports = group.ports();
    let name = match host.host.parse::<IpAddr>() {
        Ok(IpAddr::V6(literal)) => format!("[{literal}]"),
        _ => host.host.clone(),
    };
    let text = if ports.contains(&HTTP_PORT) {
        format!("http://{name}/")
    } else if ports.contains(&HTTPS_PORT) {
        format!("https://{name}/")
    } else {
        format!("https://{name}:{}/", ports.first()?)
    };
    let peers = tried.iter().flat_map(|one| one.peers.clone()).collect();
    // A host that makes no URL could not be looked up either.
    Url::parse(&text)
        .ok()
        .map(|url| Question::about(&url, peers))
}

#[cfg(test)]
mod tests {
    use super::super::list::List;
    use super::*;

    /// What is asked of the groups of a service: pages and endpoints.
    fn asked(service: &str, reached: &[&str]) -> Vec<String> {
        let list = List::load(None).unwrap();
        let service = list.service(service).unwrap();
        let mut tried = Vec::new();
        let mut random = rand::rng();
        for group in &service.group {
            for host in group.draw(&mut random) {
                let address = host.parse().unwrap_or_else(|_| [192, 0, 2, 1].into());
                let at = |port: &u16| SocketAddr::new(address, *port);
                tried.push(Tried {
                    group,
                    peers: group.ports().iter().map(at).collect(),
                    is_reached: reached.contains(&group.id.as_str()),
                    host,
                });
            }
        }
        let questions = questions(&tried);
        questions.iter().map(|one| format!("{one:?}")).collect()
    }

    #[test]
    fn a_service_whose_certificates_vouch_for_it_is_not_asked_about_where_it_is_reached() {
        let reached = ["data_centres", "web"];
        assert!(asked("telegram", &reached).is_empty());
    }

    #[test]
    fn all_addresses_of_a_part_are_one_question() {
        let questions = asked("telegram", &["web"]);
        let [question] = &questions[..] else {
            panic!("{questions:?}");
        };
        for endpoint in ["149.154.175.50:80", "95.161.76.100:443", "http://"] {
            assert!(question.contains(endpoint), "{question}");
        }
    }

    #[test]
    fn one_name_of_a_part_without_certificates_is_asked_about_though_it_is_reached() {
        let questions = asked("whatsapp", &["chat", "registration", "web"]);
        assert_eq!(questions.len(), 1);
        assert!(questions[0].contains(".whatsapp.net/"), "{questions:?}");
    }

    #[test]
    fn parts_take_turns_and_questions_are_bounded() {
        let questions = asked("whatsapp", &[]);
        assert_eq!(questions.len(), QUESTIONS_MAX);
        for page in ["https://v.whatsapp.net/", "https://web.whatsapp.com/"] {
            assert!(questions.iter().any(|one| one.contains(page)), "{page}");
        }
    }
}
