//! Who measures: where, on what line, how often.
use super::{MOBILE, NETWORKS, Settings};
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use tonle_evidence::SigningKey;
use tonle_evidence::country::{Country, ProvinceInfo};
use tonle_evidence::entry::Tier;
use tonle_evidence::hash::{Hash, Hex, Id64};
use tonle_evidence::record::{PlaceKind, Technology};

/// Hours in which people are awake: when a transfer may begin.
const WAKING: std::ops::Range<i64> = 6..24;

/// One agent. Its chain grows with each record.
pub(super) struct Agent {
    pub(super) number: u32,
    pub(super) key: SigningKey,
    pub(super) chain_id: Id64,
    pub(super) group_id: Id64,
    pub(super) sequence: u64,
    pub(super) prev_hash: Hash,
    pub(super) province: String,
    pub(super) place: PlaceKind,
    pub(super) tier: Tier,
    pub(super) technology: Technology,
    pub(super) asn: u32,
    /// What the plan promises, bit/s; not declared of mobile lines.
    pub(super) plan_bps: Option<i64>,
    /// By how much the line is better than others of its kind; 1 is as they are.
    pub(super) factor: f64,
    /// Whether the volunteer agreed to visit sites.
    pub(super) visits: bool,
    presence: f64,
    is_eager: bool,
}

/// What is to be done in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Round trips within the country.
    Domestic,
    /// Round trips abroad.
    Abroad,
    /// A transfer each way.
    Throughput,
    /// Lookups.
    Dns,
    /// A page of the quality list.
    Page,
    /// A visit to the site of this turn.
    Visit(i64),
}

/// Draws them all.
pub(super) fn draw(settings: &Settings, country: &Country) -> Vec<Agent> {
    let people: i64 = country
        .provinces
        .iter()
        .map(|one| one.population.max(1))
        .sum();
    (0..settings.agents)
        .map(|number| one(settings, number, country, people))
        .collect()
}

fn one(settings: &Settings, number: u32, country: &Country, people: i64) -> Agent {
    let mut random = settings.random("agent", &[i64::from(number)]);
    let province = province(country, random.random_range(0..people.max(1)));
    let is_mobile = random.random_bool(0.7);
    let place = place(random.random_range(0..100));
    let technology = technology(is_mobile, random.random_range(0..100));
    let chosen = if is_mobile {
        [0, 0, 0, 1, 1, 2][random.random_range(0..6)]
    } else {
        random.random_range(MOBILE..NETWORKS.len())
    };
    let plans = [20_000_000, 30_000_000, 50_000_000, 100_000_000];
    Agent {
        number,
        key: SigningKey::from_bytes(&random.random()),
        chain_id: Hex(random.random()),
        group_id: Hex(random.random()),
        sequence: 0,
        prev_hash: Hex::ZERO,
        province: province.map(|one| one.code.clone()).unwrap_or_default(),
        place,
        tier: match place {
            PlaceKind::Home | PlaceKind::Business => Tier::Unvetted,
            PlaceKind::CommuneOffice => Tier::Vetted,
            _ => Tier::Institutional,
        },
        technology,
        asn: NETWORKS[chosen],
        plan_bps: (!is_mobile).then(|| plans[random.random_range(0..plans.len())]),
        factor: (normal(&mut random) * 0.3).exp(),
        visits: random.random_bool(0.6),
        presence: random.random_range(0.75..1.0),
        is_eager: random.random_bool(0.01),
    }
}

/// The province of somebody drawn from all people.
fn province(country: &Country, mut person: i64) -> Option<&ProvinceInfo> {
    let found = country.provinces.iter().find(|one| {
        person -= one.population.max(1);
        person < 0
    });
    found.or(country.provinces.last())
}

fn place(percent: u32) -> PlaceKind {
    match percent {
        0..72 => PlaceKind::Home,
        72..82 => PlaceKind::School,
        82..88 => PlaceKind::HealthCentre,
        88..94 => PlaceKind::CommuneOffice,
        _ => PlaceKind::Business,
    }
}

fn technology(is_mobile: bool, percent: u32) -> Technology {
    match (is_mobile, percent) {
        (true, 0..8) => Technology::Mobile5g,
        (true, 8..94) => Technology::Mobile4g,
        (true, _) => Technology::Mobile3g,
        (false, 0..85) => Technology::Fibre,
        (false, _) => Technology::FixedWireless,
    }
}

impl Agent {
    /// Its name for the collector.
    pub(super) fn key_id(&self) -> String {
        format!("synthetic-{}", self.number)
    }

    /// Whether the device is on: by day, and by hour.
    pub(super) fn is_there(&self, settings: &Settings, hour: i64, random: &mut ChaCha8Rng) -> bool {
        let day = hour.div_euclid(24);
        let mut of_day = settings.random("day", &[i64::from(self.number), day]);
        of_day.random_bool(self.presence) && random.random_bool(0.97)
    }

    /// What is to be done in this hour; `local_hour` is the country's.
    pub(super) fn due(&self, settings: &Settings, hour: i64, local_hour: u8) -> Vec<Due> {
        let number = i64::from(self.number);
        let day = hour.div_euclid(24);
        let mut of_day = settings.random("plan", &[number, day]);
        let transfer = of_day.random_range(WAKING);
        let page = of_day.random_range(WAKING);
        let every = |hours: i64| (hour + number) % hours == 0;
        let mut due = Vec::new();
        if every(6) || self.is_eager {
            due.extend([Due::Domestic, Due::Abroad]);
        }
        if every(12) {
            due.push(Due::Dns);
        }
        if i64::from(local_hour) == transfer {
            due.push(Due::Throughput);
        }
        if i64::from(local_hour) == page {
            due.push(Due::Page);
        }
        if self.visits && every(3) {
            due.push(Due::Visit((hour + number) / 3));
        }
        due
    }
}

/// A draw of the normal distribution with mean 0 and deviation 1 (Box and Muller 1958).
pub(super) fn normal(random: &mut ChaCha8Rng) -> f64 {
    let (radius, angle): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}
