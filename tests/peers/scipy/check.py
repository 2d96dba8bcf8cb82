"""Holds our order statistics, bounds and distributions against SciPy's.

    python3 tests/peers/scipy/check.py

Reads ours.json beside it, which a test of the collector keeps true. Exits 1 with the first value that
differs by more than a relative 1e-9 (ranks and quantiles: at all).
"""
import json
import math
import pathlib
import sys

import numpy
import scipy
from scipy import stats

OURS = json.loads((pathlib.Path(__file__).parent / "ours.json").read_text())
TAIL = 0.05
checked = 0


def hold(what, ours, theirs):
    """Ends the program where two values are not the same."""
    global checked
    checked += 1
    if not math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12):
        sys.exit(f"{what}: ours {ours}, SciPy's {theirs}")


def median_ranks(n):
    """The largest l whose interval x(l)..x(n+1-l) covers the median with at least 95 %."""
    best = None
    for lower in range(1, n // 2 + 1):
        coverage = stats.binom.cdf(n - lower, n, 0.5) - stats.binom.cdf(lower - 1, n, 0.5)
        if coverage >= 1 - TAIL:
            best = (lower, n + 1 - lower, coverage)
    return best


for row in OURS["medians"]:
    lower, upper, coverage = median_ranks(row["n"])
    hold(f"lower rank of the median of {row['n']}", row["lower"], lower)
    hold(f"upper rank of the median of {row['n']}", row["upper"], upper)
    hold(f"coverage of the median of {row['n']}", row["coverage"], coverage)

for row in OURS["ranks"]:
    n, q = row["n"], row["permille"] / 1000
    lower = [l for l in range(1, n + 1) if stats.binom.cdf(l - 1, n, q) <= TAIL]
    upper = [u for u in range(1, n + 1) if stats.binom.sf(u - 1, n, q) <= TAIL]
    for side, theirs in (("lower", max(lower, default=None)), ("upper", min(upper, default=None))):
        if row[side] is None or theirs is None:
            if row[side] != theirs:
                sys.exit(f"{side} rank of {row}: SciPy's {theirs}")
            checked += 1
        else:
            hold(f"{side} rank of {row}", row[side], theirs)

for row in OURS["shares"]:
    k, n = row["passing"], row["agents"]
    low = stats.beta.ppf(TAIL, k, n - k + 1) if k else 0.0
    high = stats.beta.ppf(1 - TAIL, k + 1, n - k) if k < n else 1.0
    hold(f"lower bound of {k} of {n}", row["low"], low)
    hold(f"upper bound of {k} of {n}", row["high"], high)

for row in OURS["binomial"]:
    hold(f"binomial {row}", row["at_most"], stats.binom.cdf(row["k"], row["n"], row["p"]))

for row in OURS["student"]:
    if "tail" in row:
        # Its inverse is searched for and good to nine digits only: ours goes through its distribution.
        hold(f"Student's quantile {row}", row["tail"], stats.t.sf(row["t"], row["freedom"]))
    else:
        hold(f"Student's t {row}", row["at_most"], stats.t.cdf(row["t"], row["freedom"]))

values = OURS["quantiles"]["values"]
for row in OURS["quantiles"]["of"]:
    theirs = numpy.quantile(values, row["permille"] / 1000, method="linear")
    hold(f"type-7 quantile {row}", row["value"], round(theirs))  # halves to the even one, as ours

print(f"{checked} values agree with SciPy {scipy.__version__}")
