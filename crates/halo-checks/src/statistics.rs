//! Fisher's exact test, for small counts as well as for a million traces.

/// The two-sided p-value of Fisher's exact test for `hits` of `size` in a group, where `hits_total` of `total` are hits altogether: how
/// likely a split at least this uneven is when hits fall on the group by chance. 1 when the counts contradict each other.
pub(crate) fn fisher_exact(hits: u64, size: u64, hits_total: u64, total: u64) -> f64 {
    let low = (hits_total + size).saturating_sub(total);
    let high = size.min(hits_total);
    if size > total || hits_total > total || hits < low || hits > high {
        return 1.0;
    }
    let split = Split { size, hits_total, total };
    let observed = split.ln_probability(hits);
    // Tables as likely as the observed one count as well; rounding must not leave them out.
    let limit = observed + 1e-7;
    let mode = u64_of((as_f64(size + 1) * as_f64(hits_total + 1) / as_f64(total + 2)).floor()).clamp(low, high);
    let (upper_start, lower_end) = if hits >= mode {
        (Some(hits), split.last_below(low, mode, limit))
    } else {
        (split.first_above(mode, high, limit), Some(hits))
    };
    let upper = upper_start.map_or(0.0, |start| split.tail_up(start, high));
    // Below the mode and above it are told apart by position, so that the mode itself is never counted twice.
    let lower = match (lower_end, upper_start) {
        (Some(end), Some(start)) if end >= start => return 1.0,
        (Some(end), _) => split.tail_down(end, low),
        (None, _) => 0.0,
    };
    (upper + lower).min(1.0)
}

/// The margins of a two-by-two table.
struct Split {
    size: u64,
    hits_total: u64,
    total: u64,
}

impl Split {
    /// Logarithm of the hypergeometric probability of exactly `hits` in the group.
    fn ln_probability(&self, hits: u64) -> f64 {
        ln_choose(self.hits_total, hits) + ln_choose(self.total - self.hits_total, self.size - hits)
            - ln_choose(self.total, self.size)
    }

    /// The largest count in `low..=mode` that is no likelier than `limit`; probabilities rise up to the mode.
    fn last_below(&self, low: u64, mode: u64, limit: f64) -> Option<u64> {
        let (mut known, mut from, mut to) = (None, low, mode);
        while from <= to {
            let middle = from + (to - from) / 2;
            if self.ln_probability(middle) <= limit {
                known = Some(middle);
                from = middle + 1;
            } else if middle == low {
                break;
            } else {
                to = middle - 1;
            }
        }
        known
    }

    /// The smallest count in `mode..=high` that is no likelier than `limit`; probabilities fall from the mode on.
    fn first_above(&self, mode: u64, high: u64, limit: f64) -> Option<u64> {
        let (mut known, mut from, mut to) = (None, mode, high);
        while from <= to {
            let middle = from + (to - from) / 2;
            if self.ln_probability(middle) <= limit {
                known = Some(middle);
                if middle == mode {
                    break;
                }
                to = middle - 1;
            } else {
                from = middle + 1;
            }
        }
        known
    }

    /// Sum of the probabilities from `start` up. Each is the one before times a ratio, and the sum ends when nothing is added any more.
    fn tail_up(&self, start: u64, high: u64) -> f64 {
        let mut term = self.ln_probability(start).exp();
        let mut sum = term;
        for hits in start..high {
            let others = self.total - self.hits_total;
            term *= as_f64(self.hits_total - hits) * as_f64(self.size - hits)
                / (as_f64(hits + 1) * as_f64(others + hits + 1 - self.size));
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        sum
    }

    /// Sum of the probabilities from `start` down.
    fn tail_down(&self, start: u64, low: u64) -> f64 {
        let mut term = self.ln_probability(start).exp();
        let mut sum = term;
        for hits in (low + 1..=start).rev() {
            let others = self.total - self.hits_total;
            term *= as_f64(hits) * as_f64(others + hits - self.size)
                / (as_f64(self.hits_total - hits + 1) * as_f64(self.size - hits + 1));
            sum += term;
            if term < sum * 1e-17 {
                break;
            }
        }
        sum
    }
}

fn ln_choose(n: u64, k: u64) -> f64 {
    ln_gamma(as_f64(n) + 1.0) - ln_gamma(as_f64(k) + 1.0) - ln_gamma(as_f64(n - k) + 1.0)
}

/// Logarithm of the gamma function for arguments of at least 1, by Stirling's series after the argument is raised above 10, where five
/// terms give all the digits of a double.
fn ln_gamma(argument: f64) -> f64 {
    let mut x = argument;
    let mut product = 1.0;
    while x < 10.0 {
        product *= x;
        x += 1.0;
    }
    let square = x * x;
    let series = (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square) / square)
        / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - product.ln()
}

#[expect(clippy::cast_precision_loss, reason = "counts of traces stay far below 2^52")]
pub(crate) fn as_f64(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "called with whole numbers of traces")]
fn u64_of(count: f64) -> u64 {
    count as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_gives_factorials() {
        for (argument, expected) in [(1.0, 1.0_f64), (5.0, 24.0), (11.0, 3_628_800.0), (21.0, 2.432_902_008_176_64e18)]
        {
            let found = ln_gamma(argument);
            assert!((found - expected.ln()).abs() < 1e-12, "{argument}: {found}");
        }
    }

    /// Sums all tables one by one, as the definition says.
    fn by_definition(hits: u64, size: u64, hits_total: u64, total: u64) -> f64 {
        let split = Split { size, hits_total, total };
        let observed = split.ln_probability(hits);
        let low = (hits_total + size).saturating_sub(total);
        (low..=size.min(hits_total))
            .map(|k| split.ln_probability(k))
            .filter(|p| *p <= observed + 1e-7)
            .map(f64::exp)
            .sum::<f64>()
            .min(1.0)
    }

    #[test]
    fn fisher_matches_published_values() {
        // Fisher's tea (3 of 4 right): 0.4857; R: fisher.test(matrix(c(1,9,11,3),2)) = 0.002759; matrix(c(10,2,3,15),2) = 0.0005367.
        let round = |p: f64| (p * 1e7).round() / 1e7;
        assert_eq!(round(fisher_exact(3, 4, 4, 8)), 0.485_714_3);
        assert_eq!(round(fisher_exact(1, 12, 10, 24)), 0.002_759_5);
        assert_eq!(round(fisher_exact(10, 13, 12, 30)), 0.000_536_7);
    }

    #[test]
    fn fisher_is_the_sum_of_its_definition() {
        for total in [1_u64, 7, 20, 33] {
            for hits_total in 0..=total {
                for size in 0..=total {
                    let low = (hits_total + size).saturating_sub(total);
                    for hits in low..=size.min(hits_total) {
                        let (found, expected) =
                            (fisher_exact(hits, size, hits_total, total), by_definition(hits, size, hits_total, total));
                        assert!(
                            (found - expected).abs() < 1e-9,
                            "{hits}/{size} {hits_total}/{total}: {found} {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn fisher_takes_large_and_impossible_counts() {
        assert!(fisher_exact(5_000, 100_000, 5_000, 1_000_000) < 1e-300);
        assert!((fisher_exact(500, 100_000, 5_000, 1_000_000) - 1.0).abs() < 0.05);
        assert_eq!(fisher_exact(9, 4, 4, 8), 1.0);
        assert_eq!(fisher_exact(0, 0, 0, 0), 1.0);
    }
}
