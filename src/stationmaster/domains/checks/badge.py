"""A check as a picture, for pages elsewhere."""

from html import escape

from stationmaster.domains.checks.models import CheckState

COLOURS = {
    CheckState.NEW: "#8a8f98",
    CheckState.UP: "#2f8f4e",
    CheckState.LATE: "#c77d0a",
    CheckState.DOWN: "#c0392b",
    CheckState.PAUSED: "#8a8f98",
}
CHARACTER = 6.6
"""Width of a character of the font, about."""
MAX_NAME = 40


def draw(name: str, state: CheckState) -> str:
    """Draw the name of a check and its state as SVG."""
    label = name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
    left, right = round(len(label) * CHARACTER) + 14, round(len(state) * CHARACTER) + 14
    title = escape(f"{label}: {state}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[state]}"/>'
        '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="{left / 2:g}" y="14">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(state)}</text>'
        "</g></svg>"
    )
