//! The run as a picture: what the edits of each second took.

use std::{collections::BTreeMap, path::Path};

use plotters::prelude::{
    ChartBuilder, IntoDrawingArea as _, LineSeries, PathElement, RGBColor, SVGBackend, WHITE,
};

use crate::report::{Figures, Spread};

const SIZE: (u32, u32) = (900, 360);
const LINES: [(&str, usize, RGBColor); 3] = [
    ("p50", 50, RGBColor(0x1b, 0x7f, 0x3b)),
    ("p99", 99, RGBColor(0x1f, 0x4e, 0xb4)),
    ("max", 100, RGBColor(0xb4, 0x2f, 0x1f)),
];

/// Writes it as SVG.
pub fn write(file: &Path, figures: &Figures, rate: u32) -> Result<(), Box<dyn std::error::Error>> {
    let seconds = by_second(figures);
    let last = u32::try_from(seconds.len())?;
    let highest = seconds
        .values()
        .map(|spread| milliseconds(spread, 100))
        .max();
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption(
            format!("{rate} edits a second: edit to another system, ms"),
            ("sans-serif", 18),
        )
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(56)
        .build_cartesian_2d(0..last.max(1), 0..highest.unwrap_or_default().max(1000))?;
    chart
        .configure_mesh()
        .x_desc("edited in this second of the run")
        .draw()?;
    for (name, percent, color) in LINES {
        let points = seconds
            .iter()
            .map(|(second, spread)| (*second, milliseconds(spread, percent)));
        chart
            .draw_series(LineSeries::new(points, color))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color));
    }
    chart
        .configure_series_labels()
        .background_style(WHITE)
        .draw()?;
    area.present()?;
    Ok(())
}

fn milliseconds(spread: &Spread, percent: usize) -> u32 {
    u32::try_from(spread.at(percent).as_millis()).unwrap_or(u32::MAX)
}

/// All hops of the edits that were made in each second.
fn by_second(figures: &Figures) -> BTreeMap<u32, Spread> {
    let all = || figures.took.values().flatten();
    let Some(began) = all().map(|(at, _)| *at).min() else {
        return BTreeMap::new();
    };
    let mut seconds: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for taken in all() {
        let second = taken.0.duration_since(began).as_secs();
        seconds
            .entry(u32::try_from(second).unwrap_or_default())
            .or_default()
            .push(*taken);
    }
    let spread = |(second, taken): (u32, Vec<_>)| (second, Spread::of(taken.iter()));
    seconds.into_iter().map(spread).collect()
}
