"""A drawing of the ratios, written by hand as SVG: nothing has to be installed for it.

For each network a row, for each library a panel: where ours and Keras 3 stand beside the best loop by hand (the line at
1), on a logarithmic axis; a thin bar goes from the least pair to the most.
"""

from __future__ import annotations

import math
from statistics import median
from xml.sax.saxutils import escape

from benchmarks.measures import MEASURES
from benchmarks.networks import NETWORKS
from benchmarks.report import pairs
from benchmarks.runner import Results
from benchmarks.variants import VARIANTS, rivals

LEFT, PANEL, GAP, TOP, ROW, BOTTOM = 290, 170, 24, 74, 30, 66
LEAST, MOST = 0.1, 16.0
TICKS = (0.25, 1, 4)
COLORS = {"ours": "#b8432f", "keras": "#4a6fa5"}
INK, PALE = "#222222", "#bbbbbb"


def draw(results: Results, measure: str, captions: list[str]) -> str:
    """The drawing of one measure; captions go below it."""
    networks = [name for name, measured in results.samples.items() if any(measure in m for m in measured.values())]
    judged = {variant for name in networks for variant in results.samples[name] if rivals(variant)}
    libraries = list(dict.fromkeys(row.library for name, row in VARIANTS.items() if name in judged))
    width = LEFT + len(libraries) * (PANEL + GAP)
    height = TOP + len(networks) * ROW + BOTTOM + 14 * len(captions)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(12, 22, f"{MEASURES[measure].title}: times the best loop by hand (less is better)", size=15),
        *_key(),
        *(_text(12, TOP + ROW * (i + 0.5) + 4, NETWORKS[name].title, size=10) for i, name in enumerate(networks)),
    ]
    for place, library in enumerate(libraries):
        parts += _panel(library, LEFT + place * (PANEL + GAP), networks, measure, results)
    below = TOP + len(networks) * ROW + 50
    parts += [_text(12, below + 14 * i, caption, size=9) for i, caption in enumerate(captions)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _text(x: float, y: float, words: str, size: int = 12, anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{INK}">{escape(words)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, color: str, width: float = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{width}"/>'


def _key() -> list[str]:
    dots = [("ours", "Amalthea", LEFT), ("keras", "Keras 3", LEFT + 90)]
    return [
        part
        for kind, title, x in dots
        for part in (f'<circle cx="{x}" cy="40" r="5" fill="{COLORS[kind]}"/>', _text(x + 10, 44, title))
    ]


def _at(left: float, ratio: float) -> float:
    """Where a ratio stands in a panel; what lies outside stands at its edge."""
    share = math.log(min(max(ratio, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return left + share * PANEL


def _panel(library: str, left: float, networks: list[str], measure: str, results: Results) -> list[str]:
    bottom = TOP + len(networks) * ROW
    parts = [_text(left + PANEL / 2, TOP - 10, library, anchor="middle")]
    for tick in TICKS:
        x = _at(left, tick)
        parts += [_line(x, TOP, x, bottom, INK if tick == 1 else PALE)]
        parts += [_text(x, bottom + 15, f"{tick:g}", size=10, anchor="middle")]
    for i, network in enumerate(networks):
        parts += _marks(library, left, TOP + ROW * (i + 0.5), results.of(network), measure)
    return parts


def _marks(library: str, left: float, y: float, samples: dict[str, dict[str, list[float]]], measure: str) -> list[str]:
    parts = []
    for variant in samples:
        row = VARIANTS[variant]
        found = pairs(samples, variant, measure)[1] if row.library == library else []
        if found:
            color, y_here = COLORS[row.kind], y + (-5 if row.kind == "ours" else 5)
            middle = median(found)
            parts += [_line(_at(left, found[0]), y_here, _at(left, found[-1]), y_here, color)]
            parts += [f'<circle cx="{_at(left, middle):.1f}" cy="{y_here:.1f}" r="4" fill="{color}"/>']
            if middle > MOST or middle < LEAST:
                parts += [_text(_at(left, middle) - 8, y_here + 3, number_outside(middle), size=9, anchor="end")]
    return parts


def number_outside(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio > 1 else f"{ratio:.2f}"
