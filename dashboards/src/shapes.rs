//! Provinces as shapes on a plane: the country's `GeoJSON`, projected once to integer coordinates.
//!
//! The projection is equirectangular with the country's middle parallel as its true one: right for
//! a small country, and without a floating-point number in the page.
use serde_json::Value;
use std::fmt::Write;

/// Width of the map in its own units.
const WIDTH: i32 = 1000;
/// A country taller than this many units is drawn narrower instead.
const MAX_HEIGHT: i32 = 2000;
/// Empty rim, for the line around the outermost shape.
const RIM: i32 = 6;
/// Degrees below which an extent is none.
const SMALLEST_EXTENT: f64 = 1e-6;

/// A point of the map, in its units.
type Point = (i32, i32);
/// A point of the globe, degrees east and north.
type Degrees = (f64, f64);

/// Every province of a country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shapes {
    /// Width of the map in its units.
    pub width: i32,
    /// Height of the map in its units.
    pub height: i32,
    /// The shapes, in the order of the file.
    pub provinces: Vec<Shape>,
}

/// One province.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// ISO 3166-2 code.
    pub code: String,
    /// SVG path data.
    pub path: String,
    /// A point inside the largest part, for its label.
    pub label: Point,
    /// Room for a label around that point, in units of the map.
    pub room: i32,
}

/// Why the shapes cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("provinces.geojson: {0}")]
pub struct BadShapes(String);

impl Shapes {
    /// Reads Polygons and `MultiPolygons` with a property `iso`.
    pub fn parse(geojson: &str) -> Result<Self, BadShapes> {
        let bad = |reason: &str| BadShapes(reason.to_owned());
        let file: Value =
            serde_json::from_str(geojson).map_err(|error| BadShapes(error.to_string()))?;
        let features = file["features"]
            .as_array()
            .ok_or_else(|| bad("no features"))?;
        let mut provinces = Vec::with_capacity(features.len());
        for feature in features {
            let code = feature["properties"]["iso"]
                .as_str()
                .ok_or_else(|| bad("a feature lacks 'iso'"))?;
            let rings = rings(&feature["geometry"])
                .ok_or_else(|| BadShapes(format!("'{code}' is no polygon")))?;
            provinces.push((code.to_owned(), rings));
        }
        let all = provinces
            .iter()
            .flat_map(|(_, rings)| rings.iter().flatten());
        let plane = Plane::over(all).ok_or_else(|| bad("no extent"))?;
        let shape = |(code, rings): (String, Vec<Vec<Degrees>>)| {
            let rings: Vec<Vec<Point>> = rings.iter().map(|ring| plane.project(ring)).collect();
            let (label, room) = label_point(&rings);
            Shape {
                code,
                path: path(&rings),
                label,
                room,
            }
        };
        Ok(Self {
            width: WIDTH,
            height: plane.height,
            provinces: provinces.into_iter().map(shape).collect(),
        })
    }
}

/// All rings of a geometry; holes and parts alike, the even-odd rule tells them apart.
fn rings(geometry: &Value) -> Option<Vec<Vec<Degrees>>> {
    let coordinates = geometry["coordinates"].as_array()?;
    let polygons: Vec<&Value> = match geometry["type"].as_str()? {
        "Polygon" => coordinates.iter().collect(),
        "MultiPolygon" => coordinates
            .iter()
            .map(Value::as_array)
            .collect::<Option<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect(),
        _ => return None,
    };
    polygons.into_iter().map(ring).collect()
}

fn ring(points: &Value) -> Option<Vec<Degrees>> {
    let point = |point: &Value| Some((point.get(0)?.as_f64()?, point.get(1)?.as_f64()?));
    points.as_array()?.iter().map(point).collect()
}

/// The rectangle that the country fills.
struct Plane {
    west: f64,
    north: f64,
    east_scale: f64,
    north_scale: f64,
    height: i32,
}

impl Plane {
    fn over<'a>(points: impl Iterator<Item = &'a Degrees>) -> Option<Self> {
        let mut box_ = None::<(f64, f64, f64, f64)>;
        for &(x, y) in points {
            let (w, e, s, n) = box_.unwrap_or((x, x, y, y));
            box_ = Some((w.min(x), e.max(x), s.min(y), n.max(y)));
        }
        let (west, east, south, north) = box_?;
        if !(east - west > SMALLEST_EXTENT && north - south > SMALLEST_EXTENT) {
            return None;
        }
        let shortening = f64::midpoint(south, north).to_radians().cos();
        let by_width = f64::from(WIDTH - 2 * RIM) / (east - west);
        let by_height = f64::from(MAX_HEIGHT - 2 * RIM) / (north - south) * shortening;
        let east_scale = by_width.min(by_height);
        let north_scale = east_scale / shortening;
        let height = rounded((north - south) * north_scale) + 2 * RIM;
        Some(Self {
            west,
            north,
            east_scale,
            north_scale,
            height,
        })
    }

    /// The ring on the plane, without points that fall together.
    fn project(&self, ring: &[Degrees]) -> Vec<Point> {
        let project = |&(x, y): &Degrees| {
            let right = rounded((x - self.west) * self.east_scale) + RIM;
            let down = rounded((self.north - y) * self.north_scale) + RIM;
            (right, down)
        };
        let mut points: Vec<Point> = ring.iter().map(project).collect();
        points.dedup();
        if points.len() > 1 && points.first() == points.last() {
            points.pop();
        }
        points
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates, and a map is a thousand units wide"
)]
fn rounded(value: f64) -> i32 {
    value.round() as i32
}

/// Path data in relative steps, which are the shortest.
fn path(rings: &[Vec<Point>]) -> String {
    let mut data = String::new();
    for ring in rings {
        let Some(&(mut x, mut y)) = ring.first() else {
            continue;
        };
        write!(data, "M{x} {y}l").expect("writing to a String cannot fail");
        for &(next_x, next_y) in &ring[1..] {
            let (right, down) = (next_x - x, next_y - y);
            let gap = if right < 0 || data.ends_with('l') {
                ""
            } else {
                " "
            };
            let comma = if down < 0 { "" } else { " " };
            write!(data, "{gap}{right}{comma}{down}").expect("writing to a String cannot fail");
            (x, y) = (next_x, next_y);
        }
        data.push('z');
    }
    data
}

/// The middle of the widest horizontal run inside the shape, weighed by how far it is from the
/// shape's upper and lower ends; and the width of that run.
fn label_point(rings: &[Vec<Point>]) -> (Point, i32) {
    let ys = || rings.iter().flatten().map(|point| point.1);
    let (top, bottom) = (ys().min().unwrap_or(0), ys().max().unwrap_or(0));
    let mut best = ((0, 0), -1, 0);
    for y in top..=bottom {
        let inset = (y - top).min(bottom - y);
        let mut crossings = crossings(rings, y);
        crossings.sort_unstable();
        for run in crossings.chunks_exact(2) {
            let width = run[1] - run[0];
            let room = width.min(2 * inset);
            if room > best.1 {
                best = ((i32::midpoint(run[0], run[1]), y), room, width);
            }
        }
    }
    (best.0, best.1.max(0))
}

/// Where a horizontal line just above `y` meets the outline.
fn crossings(rings: &[Vec<Point>], y: i32) -> Vec<i32> {
    let mut found = Vec::new();
    for ring in rings {
        let next = ring.iter().cycle().skip(1);
        for (&(x1, y1), &(x2, y2)) in ring.iter().zip(next) {
            if (y1 <= y) != (y2 <= y) {
                found.push(x1 + (y - y1) * (x2 - x1) / (y2 - y1));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use proptest::prelude::*;

    #[test]
    fn every_province_has_a_shape_with_its_label_inside() {
        let shapes = fixtures::shapes();
        assert_eq!(shapes.provinces.len(), fixtures::country().provinces.len());
        for shape in &shapes.provinces {
            let (x, y) = shape.label;
            assert!(shape.path.starts_with('M') && shape.path.ends_with('z'));
            assert!((0..shapes.width).contains(&x) && (0..shapes.height).contains(&y));
        }
    }

    #[test]
    fn a_square_on_the_equator_is_a_square() {
        let square = r#"{"features":[{"properties":{"iso":"X-1"},"geometry":{"type":"Polygon",
            "coordinates":[[[0,-1],[2,-1],[2,1],[0,1],[0,-1]]]}}]}"#;
        let shapes = Shapes::parse(square).unwrap();
        assert_eq!(shapes.height, shapes.width);
        assert_eq!(shapes.provinces[0].path, "M6 994l988 0 0-988-988 0z");
        assert_eq!(shapes.provinces[0].label, (500, 500));
    }

    #[test]
    fn a_shape_that_is_no_polygon_is_refused_by_name() {
        let point = r#"{"features":[{"properties":{"iso":"X-1"},"geometry":
            {"type":"Point","coordinates":[0,0]}}]}"#;
        let error = Shapes::parse(point).unwrap_err();
        assert!(error.to_string().contains("'X-1'"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = Shapes::parse(&text);
        }

        #[test]
        fn no_ring_makes_it_panic(ring in prop::collection::vec((-180f64..180.0, -89f64..89.0), 0..9)) {
            let points: Vec<[f64; 2]> = ring.iter().map(|(x, y)| [*x, *y]).collect();
            let file = serde_json::json!({"features": [{"properties": {"iso": "X-1"},
                "geometry": {"type": "Polygon", "coordinates": [points]}}]});
            let _ = Shapes::parse(&file.to_string());
        }
    }
}
