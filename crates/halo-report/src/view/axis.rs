//! Rates as bars on one axis.

use halo_protocol::Finding;
use serde::Serialize;

/// A rate and its interval as places on an axis, in percent of the axis.
#[derive(Debug, Serialize)]
pub(crate) struct Bar {
    /// End of the bar.
    pub(crate) rate: String,
    /// Start of the whisker.
    pub(crate) low: String,
    /// End of the whisker.
    pub(crate) high: String,
    /// Length of the whisker.
    pub(crate) reach: String,
}

/// The axis that all bars of a report share, so that they can be compared. It starts at zero.
#[derive(Debug, Serialize)]
pub(crate) struct Axis {
    #[serde(skip)]
    end: f64,
    /// Marks on the axis.
    pub(crate) ticks: Vec<Tick>,
}

/// A mark on the axis.
#[derive(Debug, Serialize)]
pub(crate) struct Tick {
    /// Where it stands, in percent of the axis.
    pub(crate) at: String,
    /// What it says.
    pub(crate) label: String,
}

impl Axis {
    /// The shortest axis out of a few round ones that holds every interval.
    pub(crate) fn holding(findings: &[Finding]) -> Self {
        const AXES: [(f64, &[f64]); 6] = [
            (0.01, &[0.0, 0.5, 1.0]),
            (0.05, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            (0.1, &[0.0, 5.0, 10.0]),
            (0.25, &[0.0, 5.0, 10.0, 15.0, 20.0, 25.0]),
            (0.5, &[0.0, 10.0, 20.0, 30.0, 40.0, 50.0]),
            (1.0, &[0.0, 25.0, 50.0, 75.0, 100.0]),
        ];
        let widest = findings.iter().map(|f| f.interval.high.max(f.rate)).fold(0.0, f64::max);
        let [.., whole] = AXES;
        let (end, marks) = AXES.into_iter().find(|(end, _)| *end >= widest).unwrap_or(whole);
        let ticks = marks.iter().map(|mark| Tick { at: place(mark / 100.0, end), label: format!("{mark} %") });
        Self { end, ticks: ticks.collect() }
    }

    /// A finding's bar.
    pub(crate) fn bar(&self, finding: &Finding) -> Bar {
        let (low, high) = (finding.interval.low, finding.interval.high);
        Bar {
            rate: place(finding.rate, self.end),
            low: place(low, self.end),
            high: place(high, self.end),
            reach: place(high - low, self.end),
        }
    }
}

fn place(value: f64, end: f64) -> String {
    let percent = if value.is_nan() { 0.0 } else { (value / end).clamp(0.0, 1.0) * 100.0 };
    format!("{percent:.2}")
}
