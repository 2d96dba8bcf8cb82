//! The middle of a province: where it lies, told to whoever must know no more than that.
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A point of the globe, millionths of a degree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Centre {
    /// North of the equator.
    pub lat_udeg: i64,
    /// East of Greenwich.
    pub lon_udeg: i64,
}

impl Centre {
    /// The centroid of a `Polygon` or `MultiPolygon` of `GeoJSON`, of its parts by their areas. Holes
    /// are not left out: the point stands for the whole. `None` for anything else, and for shapes
    /// without an area or outside the globe.
    #[must_use]
    pub fn of_geometry(geometry: &Value) -> Option<Self> {
        let coordinates = geometry["coordinates"].as_array()?;
        let outlines: Vec<&Value> = match geometry["type"].as_str()? {
            "Polygon" => coordinates.first().into_iter().collect(),
            "MultiPolygon" => coordinates.iter().filter_map(|part| part.get(0)).collect(),
            _ => return None,
        };
        let (mut area, mut east, mut north) = (0.0, 0.0, 0.0);
        for outline in outlines {
            let part = Moments::of(&points(outline)?);
            area += part.area;
            east += part.east;
            north += part.north;
        }
        let centre = Self {
            lat_udeg: udeg(north / area)?,
            lon_udeg: udeg(east / area)?,
        };
        let is_on_globe =
            centre.lat_udeg.abs() <= 90_000_000 && centre.lon_udeg.abs() <= 180_000_000;
        is_on_globe.then_some(centre)
    }
}

/// Area of a ring, and its moments, in square degrees; positive whichever way it turns.
struct Moments {
    area: f64,
    east: f64,
    north: f64,
}

impl Moments {
    /// The surveyor's formula, from the ring's first point so that small rings lose no digits.
    fn of(ring: &[(f64, f64)]) -> Self {
        let (x0, y0) = ring.first().copied().unwrap_or_default();
        let next = ring.iter().cycle().skip(1);
        let (mut area, mut east, mut north) = (0.0, 0.0, 0.0);
        for (&(xa, ya), &(xb, yb)) in ring.iter().zip(next) {
            let (xa, ya, xb, yb) = (xa - x0, ya - y0, xb - x0, yb - y0);
            let cross = xa * yb - xb * ya;
            area += cross / 2.0;
            east += (xa + xb) * cross / 6.0;
            north += (ya + yb) * cross / 6.0;
        }
        let sign = area.signum();
        let area = area.abs();
        Self {
            area,
            east: sign * east + x0 * area,
            north: sign * north + y0 * area,
        }
    }
}

fn points(outline: &Value) -> Option<Vec<(f64, f64)>> {
    let point = |point: &Value| Some((point.get(0)?.as_f64()?, point.get(1)?.as_f64()?));
    outline.as_array()?.iter().map(point).collect()
}

fn udeg(degrees: f64) -> Option<i64> {
    let scaled = (degrees * 1e6).round();
    if scaled.is_nan() || scaled.abs() > 1e9 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole number far below 2^53, checked above"
    )]
    let udeg = scaled as i64;
    Some(udeg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn square(west: f64, south: f64, side: f64) -> Value {
        let (east, north) = (west + side, south + side);
        json!([[
            [west, south],
            [east, south],
            [east, north],
            [west, north],
            [west, south]
        ]])
    }

    #[test]
    fn parts_count_by_their_areas_and_turn_as_they_like() {
        let one = json!({"type": "Polygon", "coordinates": square(104.0, 11.0, 2.0)});
        let centre = Centre::of_geometry(&one).unwrap();
        assert_eq!(
            (centre.lat_udeg, centre.lon_udeg),
            (12_000_000, 105_000_000)
        );
        let mut other = square(110.0, 12.0, 1.0);
        other[0].as_array_mut().unwrap().reverse();
        let both = json!({
            "type": "MultiPolygon", "coordinates": [square(104.0, 11.0, 2.0), other],
        });
        let centre = Centre::of_geometry(&both).unwrap();
        assert_eq!(
            (centre.lat_udeg, centre.lon_udeg),
            (12_100_000, 106_100_000)
        );
    }

    #[test]
    fn what_has_no_area_or_no_place_has_no_centre() {
        for geometry in [
            json!({"type": "Point", "coordinates": [1, 2]}),
            json!({"type": "Polygon", "coordinates": []}),
            json!({"type": "Polygon", "coordinates": [[[1, 2], [1, 2]]]}),
            json!({"type": "Polygon", "coordinates": square(500.0, 0.0, 1.0)}),
            json!({"type": "Polygon", "coordinates": [["x"]]}),
            Value::Null,
        ] {
            assert_eq!(Centre::of_geometry(&geometry), None, "{geometry}");
        }
    }

    proptest! {
        #[test]
        fn a_convex_shape_has_its_centre_inside_its_extent(
            west in -179.0..170.0_f64, south in -89.0..80.0_f64, side in 0.001..5.0_f64,
        ) {
            let geometry = json!({"type": "Polygon", "coordinates": square(west, south, side)});
            let centre = Centre::of_geometry(&geometry).unwrap();
            let (lat, lon) = (centre.lat_udeg as f64 / 1e6, centre.lon_udeg as f64 / 1e6);
            prop_assert!(west < lon && lon < west + side, "{}", lon);
            prop_assert!(south < lat && lat < south + side, "{}", lat);
        }
    }
}
