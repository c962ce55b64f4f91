//! The results as an SVG chart: how long each contender takes in relation to ours.

use std::path::Path;

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{Failure, backend::Kind, report::medians, scenario::Scenario};

const SCENARIOS: [Scenario; 5] = [
    Scenario::Unchanged,
    Scenario::OnePercent,
    Scenario::Mixed,
    Scenario::AllChanged,
    Scenario::AllNew,
];

/// Longer bars are cut; the number says it.
const LONGEST: f64 = 8.0;

const PANEL: i32 = 330;
const LABELS: i32 = 90;
const BAR: i32 = 16;
const TITLE: i32 = 30;

type Panel<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws the results that were kept for this number of rows.
pub fn draw(file: &Path, rows: usize) -> Result<(), Failure> {
    let results = Kind::ALL.map(|kind| (kind, SCENARIOS.map(|s| (s, medians(kind, rows, s)))));
    let height = |panel: &[(Scenario, Vec<(String, f64)>)]| {
        panel.iter().map(|(_, bars)| TITLE + BAR * i32::try_from(bars.len()).unwrap_or(0)).sum()
    };
    let tallest: i32 = results.iter().map(|(_, panel)| height(panel)).max().unwrap_or(0);
    let size = (u32::try_from(PANEL * 3)?, u32::try_from(tallest + 2 * TITLE)?);
    let area = SVGBackend::new(file, size).into_drawing_area();
    area.fill(&WHITE)?;
    let title = format!("Time in relation to bulk-sync, {rows} rows in scope (shorter is faster)");
    write(&area, &title, (10, 8), 15, HPos::Left)?;
    let (_, panels) = area.split_vertically(TITLE);
    for ((kind, scenarios), panel) in results.iter().zip(panels.split_evenly((1, 3))) {
        draw_panel(&panel, *kind, scenarios)?;
    }
    area.present()?;
    Ok(())
}

fn draw_panel(
    panel: &Panel<'_>,
    kind: Kind,
    scenarios: &[(Scenario, Vec<(String, f64)>)],
) -> Result<(), Failure> {
    let mut top = 4;
    for (scenario, bars) in scenarios {
        let Some((_, ours)) = bars.iter().find(|(name, _)| name == "ours") else { continue };
        let title = format!("{}: {}", kind.name(), scenario.title());
        write(panel, &title, (10, top + 8), 12, HPos::Left)?;
        top += TITLE - 6;
        for (name, seconds) in bars {
            let ratio = seconds / ours;
            let end = LABELS + length(ratio);
            let color =
                if name == "ours" { RGBColor(31, 119, 80) } else { RGBColor(160, 170, 185) };
            let bar = [(LABELS, top + 2), (end, top + BAR - 2)];
            panel.draw(&Rectangle::new(bar, color.filled()))?;
            write(panel, name, (LABELS - 6, top + 3), 11, HPos::Right)?;
            write(panel, &format!("{ratio:.2}"), (end + 5, top + 3), 11, HPos::Left)?;
            top += BAR;
        }
        top += 6;
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "at most the width of a panel")]
fn length(ratio: f64) -> i32 {
    (f64::from(PANEL - LABELS - 50) * (ratio / LONGEST).clamp(0.0, 1.0)) as i32
}

fn write(
    area: &Panel<'_>,
    text: &str,
    at: (i32, i32),
    height: u32,
    side: HPos,
) -> Result<(), Failure> {
    let style = TextStyle::from(("sans-serif", height).into_font()).pos(Pos::new(side, VPos::Top));
    area.draw(&Text::new(text.to_owned(), at, style))?;
    Ok(())
}
